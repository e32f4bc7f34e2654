"""Formats of websocket messages, serialised by Jupyter Server, and of the messages of a kernel."""

import json

import pytest
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1

from fer_lib.live.server.wire_format import is_well_formed, split_kernel_message

V1 = serialize_msg_to_ws_v1([b"{}", b"{}", b"{}", b"{}", b"\xff\xd8 a frame"], "shell")
LEGACY = serialize_binary_message({"header": {}, "content": {}, "buffers": [b"\xff\xd8 a frame"]})


@pytest.mark.parametrize(("message", "is_v1"), [(V1, True), (LEGACY, False), (json.dumps({}), False)])
def test_is_well_formed_accepts_messages_of_pages(message, is_v1):
    assert is_well_formed(message, is_v1)


@pytest.mark.parametrize(
    ("message", "is_v1"),
    [
        (b"", True),
        (b"", False),
        ("{}", True),
        (b"\xff" * 16, True),
        (b"\xff" * 16, False),
        (b"\x7f\xff\xff\xff" + bytes(60), False),
        ((1 << 40).to_bytes(8, "little") + V1[8:], True),
        ((2).to_bytes(8, "little") + V1[8:], True),
        (V1[:8] + (1 << 60).to_bytes(8, "little") + V1[16:], True),
        (V1[:8] + bytes(8) + V1[16:], True),
        (V1[:-20], True),
        (LEGACY[:4] + (1 << 31).to_bytes(4, "big") + LEGACY[8:], False),
    ],
)
def test_is_well_formed_rejects_parts_outside_of_the_message(message, is_v1):
    assert not is_well_formed(message, is_v1)


@pytest.mark.parametrize("buffers", [(), (b"\xff\xd8", b"")])
def test_split_kernel_message_returns_the_json_parts(serialize, buffers):
    message = split_kernel_message(serialize("status", {"execution_state": "idle"}, "comm_msg", buffers))
    assert json.loads(message.header)["msg_type"] == "status"
    assert json.loads(message.parent_header)["msg_type"] == "comm_msg"
    assert json.loads(message.metadata) == {}
    assert json.loads(message.content) == {"execution_state": "idle"}


@pytest.mark.parametrize("frames", [[], [b"<IDS|MSG>"], [b"", b"<IDS|MSG>", b"", b"{}", b"{}", b"{}"], [b"{}"] * 8])
def test_split_kernel_message_of_malformed_frames(frames):
    assert split_kernel_message(frames) is None
