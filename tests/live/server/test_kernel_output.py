"""Output of a kernel that visitors do not receive; messages are serialised by jupyter_client."""

import pytest

from fer_lib.live.server.kernel_output import MAX_CHARS, extract_private_output
from fer_lib.live.server.wire_format import KernelMessage, split_kernel_message

TRACEBACK = ["\x1b[0;31mValueError\x1b[0m", '  File "/home/owner/secret.py", line 3', "ValueError: x"]
ERROR = {"status": "error", "ename": "ValueError", "evalue": "x", "traceback": TRACEBACK}


@pytest.fixture
def extract(serialize):
    """Extract the private output of a message, given by its type and content."""
    return lambda kind, content, **options: extract_private_output(
        split_kernel_message(serialize(kind, content, **options))
    )


def test_extract_private_output_of_an_error(extract):
    assert extract("error", ERROR).startswith('ValueError\n      File "/home/owner/secret.py"')


@pytest.mark.parametrize("kind", ["execute_reply", "comm_info_reply", "kernel_info_reply"])
def test_extract_private_output_of_a_reply_with_a_traceback(extract, kind):
    assert "/home/owner/secret.py" in extract(kind, ERROR)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_extract_private_output_of_printed_text(extract, name):
    assert extract("stream", {"name": name, "text": "printed\n"}) == "printed"


def test_extract_private_output_of_code(extract):
    assert extract("execute_input", {"code": "password = 1"}) == ""


@pytest.mark.parametrize("kind", ["comm_msg", "comm_open", "status", "comm_info_reply"])
def test_extract_private_output_of_messages_for_the_page(extract, kind):
    content = {"comm_id": "c", "data": {"method": "custom", "content": {"type": "faces", "traceback": 1}}}
    assert extract(kind, content, buffers=(b"\xff\xd8",)) is None


@pytest.mark.parametrize(
    ("header", "content"), [(b"no JSON", b"{}"), (b"5", b"{}"), (b"{}", b'["traceback"]'), (b"{}", b'{"traceback"')]
)
def test_extract_private_output_of_malformed_messages(header, content):
    assert extract_private_output(KernelMessage(header, b"{}", b"{}", content)) is None


def test_extract_private_output_escapes_control_characters(extract):
    text = extract("stream", {"text": "a\x1b]0;title\x07b\rc\nforged line"})
    assert text == "a\\x1b]0;title\\x07b\\rc\n    forged line"


def test_extract_private_output_limits_the_length(extract):
    text = extract("stream", {"text": "a\x1b]0;title\x07b\rc\nforged line" + "x" * 10_000})
    assert text.isprintable()
    assert len(text) == MAX_CHARS
