import json

import pytest

from fer_lib.live.private_text import MAX_CHARS, read_private_text

TRACEBACK = ["\x1b[0;31mValueError\x1b[0m", '  File "/home/owner/secret.py", line 3', "ValueError: x"]


def make_message(kind, content, buffers=()):
    parts = [{"msg_type": kind}, {"msg_type": "comm_msg"}, {}, content]
    return [b"identity", b"<IDS|MSG>", b"signature", *(json.dumps(part).encode() for part in parts), *buffers]


def test_read_private_text_of_an_error():
    content = {"ename": "ValueError", "evalue": "x", "traceback": TRACEBACK}
    text = read_private_text(make_message("error", content))
    assert text.startswith('ValueError\n      File "/home/owner/secret.py"')


@pytest.mark.parametrize("kind", ["execute_reply", "comm_info_reply", "kernel_info_reply"])
def test_read_private_text_of_a_reply_with_a_traceback(kind):
    content = {"status": "error", "ename": "ValueError", "evalue": "x", "traceback": TRACEBACK}
    assert "/home/owner/secret.py" in read_private_text(make_message(kind, content))


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_read_private_text_of_printed_text(name):
    assert read_private_text(make_message("stream", {"name": name, "text": "printed\n"})) == "printed"


def test_read_private_text_of_code():
    assert read_private_text(make_message("execute_input", {"code": "password = 1"})) == ""


@pytest.mark.parametrize("kind", ["comm_msg", "comm_open", "status", "comm_info_reply"])
def test_read_private_text_of_what_the_page_needs(kind):
    content = {"comm_id": "c", "data": {"method": "custom", "content": {"type": "faces", "traceback": 1}}}
    assert read_private_text(make_message(kind, content, [b"\xff\xd8"])) is None


@pytest.mark.parametrize(
    "message", [[], [b"<IDS|MSG>"], [b"<IDS|MSG>", b"", b"no JSON"], [b"", b"<IDS|MSG>", b"", b"5"]]
)
def test_read_private_text_of_malformed_messages(message):
    assert read_private_text(message) is None


def test_read_private_text_escapes_control_characters_and_is_short():
    text = read_private_text(make_message("stream", {"text": "a\x1b]0;title\x07b\rc\nforged line" + "x" * 10_000}))
    assert text.isprintable()
    assert len(text) == MAX_CHARS
    short = read_private_text(make_message("stream", {"text": "a\x1b]0;title\x07b\rc\nforged line"}))
    assert short == "a\\x1b]0;title\\x07b\\rc\n    forged line"
