"""Filter of a visitor's websocket messages, in both protocols of Jupyter."""

import json

import pytest
from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1

from fer_lib.live.server.message_filter import CONTROL_TARGET, MAX_JSON_BYTES, is_allowed

COMM = "c" * 32
RECORDER = {
    "comm_id": COMM,
    "target_name": "jupyter.widget",
    "data": {"state": {"_model_name": "ImageRecorderModel", "filename": "x.py", "autosave": True}},
}
PAGE = {
    "kernel_info_request": {},
    "comm_info_request": {"target_name": "jupyter.widget"},
    "comm_open": {"comm_id": COMM, "target_name": CONTROL_TARGET, "data": {}},
    "comm_msg": {"comm_id": COMM, "data": {"method": "custom", "content": {"type": "frame", "id": 1, "time_s": 0.5}}},
    "comm_close": {"comm_id": COMM, "data": {}},
}


def make_message(kind="comm_msg", content=None, header=None, **others):
    """Return a message as a dictionary; `header` and `others` replace fields, and a field `None` of the header is removed."""
    fields = {"msg_id": "m1", "msg_type": kind, "session": "s1", "username": "", "version": "5.2"} | (header or {})
    message = {
        "header": {name: value for name, value in fields.items() if value is not None},
        "parent_header": {},
        "metadata": {"version": "1.0.0"},
        "content": PAGE.get(kind, {}) if content is None else content,
        "channel": "shell",
        "buffers": [],
    }
    return message | others


def as_v1(message):
    parts = [json.dumps(message[name]).encode() for name in ("header", "parent_header", "metadata", "content")]
    return serialize_msg_to_ws_v1([*parts, *message["buffers"]], message["channel"])


def as_legacy(message):
    return serialize_binary_message(message)


def as_text(message):
    return json.dumps(message)


FORMATS = [(as_v1, True), (as_legacy, False), (as_text, False)]
every_protocol = pytest.mark.parametrize(("write", "is_v1"), FORMATS, ids=["v1", "legacy", "text"])


@every_protocol
@pytest.mark.parametrize("kind", PAGE)
def test_is_allowed_accepts_messages_of_the_page(write, is_v1, kind):
    assert is_allowed(write(make_message(kind)), is_v1)


@pytest.mark.parametrize(("write", "is_v1"), FORMATS[:2], ids=["v1", "legacy"])
def test_is_allowed_accepts_a_frame_in_a_buffer(write, is_v1):
    assert is_allowed(write(make_message(buffers=[b"\xff\xd8" + bytes(500_000)])), is_v1)


@every_protocol
@pytest.mark.parametrize("method", ["request_state", "request_states"])
def test_is_allowed_accepts_requests_of_state(write, is_v1, method):
    content = {"comm_id": COMM, "data": {"method": method}}
    assert is_allowed(write(make_message(content=content)), is_v1)


REFUSED = {
    "a widget": make_message("comm_open", RECORDER),
    "a widget whose data names the control target": make_message(
        "comm_open", RECORDER | {"data": {"target_name": CONTROL_TARGET}}
    ),
    "a target with a space": make_message("comm_open", PAGE["comm_open"] | {"target_name": f"{CONTROL_TARGET} "}),
    "a target in a list": make_message("comm_open", PAGE["comm_open"] | {"target_name": [CONTROL_TARGET]}),
    "no target": make_message("comm_open", {"comm_id": COMM, "data": {}}),
    "no comm": make_message("comm_open", {"target_name": CONTROL_TARGET}),
    "a comm in a list": make_message("comm_open", PAGE["comm_open"] | {"comm_id": [COMM]}),
    "a long comm": make_message("comm_open", PAGE["comm_open"] | {"comm_id": "c" * 1000}),
    "an update": make_message(content={"comm_id": COMM, "data": {"method": "update", "state": {"tooltip": "x"}}}),
    "an unknown method": make_message(content={"comm_id": COMM, "data": {"method": "echo_update", "state": {}}}),
    "a method in a list": make_message(content={"comm_id": COMM, "data": {"method": ["custom"]}}),
    "no data": make_message(content={"comm_id": COMM}),
    "data in a list": make_message(content={"comm_id": COMM, "data": ["custom"]}),
    "content that is JSON in a string": make_message("comm_open", json.dumps(PAGE["comm_open"])),
    "content in a list": make_message(content=[PAGE["comm_msg"]]),
    "metadata in a list": make_message(metadata=[]),
    "no parent": make_message(parent_header=None),
    "code": make_message("execute_request", {"code": "1"}),
    "input": make_message("input_reply", {"value": "1"}),
    "a shutdown": make_message("shutdown_request", {"restart": False}),
    "a subshell": make_message("create_subshell_request"),
    "debugging": make_message("debug_request", {"command": "evaluate"}),
    "an output": make_message("status", {"execution_state": "idle"}),
    "a type in a list": make_message(header={"msg_type": ["comm_msg"]}),
    "no type": make_message(header={"msg_type": None}),
    "no session": make_message(header={"session": None}),
    "an older protocol, which Jupyter converts": make_message(header={"version": "4.1"}),
    "no version, which Jupyter reads as 4": make_message(header={"version": None}),
    "a version that is a number": make_message(header={"version": 5.2}),
    "a message to a subshell": make_message(header={"subshell_id": "x"}),
    "a nested header": make_message(header={"a": [[["2020-01-01T00:00:00Z"]]]}),
    "a nested parent header": make_message(parent_header={"a": {"b": {}}}),
    "a number in a header": make_message(header={"a": 10**400}),
    "a month 13": make_message(header={"date": "2020-13-01T00:00:00Z"}),
    "a month 13 in the parent header": make_message(parent_header={"date": "2020-13-01T00:00:00Z"}),
    "a surrogate in a header": make_message(header={"username": "\ud800"}),
    "a surrogate in a key of a header": make_message(header={"\ud800": ""}),
    "a surrogate in the parent header": make_message(parent_header={"username": "\ud800"}),
    "a surrogate in a comm": make_message("comm_close", {"comm_id": "\ud800", "data": {}}),
    "a comm that sets the title of a terminal": make_message("comm_close", {"comm_id": "\x1b]0;x\x07", "data": {}}),
    "a comm that injects a line into the log": make_message("comm_close", {"comm_id": "x\nINFO", "data": {}}),
    "large JSON": make_message(content=PAGE["comm_msg"] | {"padding": "x" * MAX_JSON_BYTES}),
}


@every_protocol
def test_is_allowed_accepts_a_header_with_a_date(write, is_v1):
    header = {"date": "2020-01-01T00:00:00.000Z", "username": "Zoë", "subshell_id": None}
    message = make_message(header=header, parent_header={"msg_id": "m0", "date": "2020-01-01T00:00:00.000Z"})
    message["header"]["subshell_id"] = None
    assert is_allowed(write(message), is_v1)


@every_protocol
@pytest.mark.parametrize("case", REFUSED)
def test_is_allowed_refuses(write, is_v1, case):
    assert not is_allowed(write(REFUSED[case]), is_v1)


@every_protocol
@pytest.mark.parametrize("channel", ["control", "stdin", "iopub", "hb", "", "Shell", "shell "])
def test_is_allowed_refuses_other_channels(write, is_v1, channel):
    assert not is_allowed(write(make_message(channel=channel)), is_v1)


@pytest.mark.parametrize("kind", ["comm_open", "comm_close", "kernel_info_request"])
def test_is_allowed_refuses_buffers_beside_custom_messages(kind):
    message = make_message(kind, buffers=[b"x"])
    assert not is_allowed(as_v1(message), True)
    assert not is_allowed(as_legacy(message), False)


def test_is_allowed_refuses_text_with_buffers_and_without_a_channel():
    message = make_message()
    assert not is_allowed(json.dumps(message | {"buffers": ["x"]}), False)
    del message["channel"]
    assert not is_allowed(json.dumps(message), False)


DUPLICATE_KEYS = [
    ('"jupyter.widget.control"', '"jupyter.widget.control", "target_name": "jupyter.widget"'),
    ('"target_name"', '"target_name": "jupyter.widget", "target_name"'),
    ('"comm_open"', '"comm_open", "msg_type": "execute_request"'),
    ('"target_name"', '"\\u0074arget_name": "jupyter.widget", "target_name"'),
]


@pytest.mark.parametrize(("old", "new"), DUPLICATE_KEYS)
def test_is_allowed_refuses_duplicate_keys(old, new):
    message = make_message("comm_open")
    text = json.dumps(message)
    assert is_allowed(text, False)
    assert not is_allowed(text.replace(old, new, 1), False)
    parts = [json.dumps(message[name]) for name in ("header", "parent_header", "metadata", "content")]
    raw = serialize_msg_to_ws_v1([part.replace(old, new, 1).encode() for part in parts], "shell")
    assert not is_allowed(raw, True)


@pytest.mark.parametrize("content", [b'{"comm_id": "\xff"}', b"\xfe\xff", b"", b"null", b"[" * 15_000, b'{"a": NaN}'])
def test_is_allowed_refuses_other_encodings_and_values(content):
    parts = [json.dumps(make_message()[name]).encode() for name in ("header", "parent_header", "metadata")]
    assert not is_allowed(serialize_msg_to_ws_v1([*parts, content], "shell"), True)


def test_is_allowed_refuses_the_other_protocol():
    assert not is_allowed(as_legacy(make_message()), True)
    assert not is_allowed(as_v1(make_message()), False)
    assert not is_allowed(as_text(make_message()), True)


@pytest.mark.parametrize("kind", PAGE)
def test_is_allowed_agrees_with_the_session_of_the_kernel(kind):
    """The session of jupyter_client, with which the kernel parses messages, returns the same type and content."""
    session = Session(key=b"")
    message = make_message(kind)
    parts = [json.dumps(message[name]).encode() for name in ("header", "parent_header", "metadata", "content")]
    read = session.deserialize([b"", *parts])
    assert (read["msg_type"], read["content"]) == (kind, message["content"])
