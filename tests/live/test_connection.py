import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.iostream import StreamBufferFullError
from tornado.websocket import WebSocketClosedError
from voila.app import Voila

from fer_lib.live.connection import MAX_REPORTS, MAX_UNSENT_BYTES, PromptConnection
from fer_lib.live.gate import MAX_REFUSED

NAME = "fer_lib.live.connection.PromptConnection"


class FakeHandler(KernelWebsocketHandler):
    def __init__(self, calls: list[str]) -> None:
        self.calls = calls

    def set_nodelay(self, value: bool) -> None:
        self.calls.append(f"nodelay {value}")


def test_connect_switches_nagle_off_first(monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "__init__", lambda self: None)
    owner = SimpleNamespace(allowed_message_types=[])
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "multi_kernel_manager", owner)
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: calls.append("connect"))
    connection = PromptConnection()
    connection.websocket_handler = FakeHandler(calls)
    connection.connect()
    assert calls == ["nodelay True", "connect"]


def status(state: str, of: str) -> list[bytes]:
    header = json.dumps({"msg_type": "status"}).encode()
    parent = json.dumps({"msg_type": of}).encode()
    return [
        b"kernel.1.status",
        b"<IDS|MSG>",
        b"",
        header,
        parent,
        b"{}",
        json.dumps({"execution_state": state}).encode(),
    ]


def test_busy_with_widgets_is_told_once_a_second(monkeypatch):
    told: list[tuple[float, str]] = []
    now = [100.0]
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "__init__", lambda self: None)
    monkeypatch.setattr("fer_lib.live.connection.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        ZMQChannelsWebsocketConnection,
        "handle_outgoing_message",
        lambda self, stream, parts: told.append((now[0], json.loads(parts[-1])["execution_state"])),
    )
    connection = PromptConnection()
    for now[0] in (100.0, 100.5, 100.9, 101.25):
        for state in ("busy", "idle"):
            connection.handle_outgoing_message("iopub", status(state, "comm_msg"))
    assert [at for at, state in told if state == "busy"] == [100.0, 101.25]
    assert [at for at, state in told if state == "idle"] == [100.0, 100.5, 100.9, 101.25]


def test_busy_with_cells_is_always_told(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "__init__", lambda self: None)
    monkeypatch.setattr(
        ZMQChannelsWebsocketConnection, "handle_outgoing_message", lambda self, stream, parts: told.append(stream)
    )
    connection = PromptConnection()
    for _ in range(5):
        connection.handle_outgoing_message("iopub", status("busy", "execute_request"))
    assert len(told) == 5


class FakeStream:
    """The socket of a browser that reads nothing."""

    max_write_buffer_size = float("inf")

    def __init__(self) -> None:
        self.unsent = 0
        self.is_closed = False

    def write(self, message: bytes) -> None:
        if self.unsent + len(message) > self.max_write_buffer_size:
            raise StreamBufferFullError("Reached maximum write buffer size")
        self.unsent += len(message)

    def close(self) -> None:
        self.is_closed = True


class SilentHandler(FakeHandler):
    def __init__(self) -> None:
        super().__init__([])
        self.stream = FakeStream()
        self.ws_connection = SimpleNamespace(stream=self.stream)

    def write_message(self, message: bytes, binary: bool = False) -> None:
        self.stream.write(message)

    def close(self, code: int, reason: str) -> None:
        self.stream.write(bytes(10))


class ClosedHandler(FakeHandler):
    ws_connection = None

    def __init__(self) -> None:
        super().__init__([])

    def write_message(self, message: bytes, binary: bool = False) -> None:
        raise WebSocketClosedError

    def close(self, code: int, reason: str) -> None: ...


class FakeKernel:
    """A kernel of Voila, which allows some types of messages."""

    kernel_id = "k1"
    parent = SimpleNamespace(allowed_message_types=["comm_msg"])


@pytest.fixture
def visited(monkeypatch) -> PromptConnection:
    """The connection of a visitor."""
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "__init__", lambda self: None)
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: None)
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "kernel_manager", FakeKernel())
    connection = PromptConnection()
    connection.websocket_handler = SilentHandler()
    connection.log = logging.getLogger("visited")
    connection.connect()
    return connection


def test_write_message_ends_a_connection_that_does_not_read(visited, caplog):
    stream = visited.websocket_handler.stream
    visited.write_message("x" * (2 * MAX_UNSENT_BYTES))
    assert not stream.is_closed, "one message may have any size"
    visited.write_message("x")
    assert stream.is_closed
    assert stream.unsent <= 2 * MAX_UNSENT_BYTES + 10
    assert "more than they read" in caplog.messages[-1]


def test_write_message_after_the_end_of_the_connection(visited):
    visited.websocket_handler = ClosedHandler()
    with pytest.raises(WebSocketClosedError):
        visited.write_message("x")
    visited._hang_up("the end")


def test_handle_outgoing_message_logs_what_is_private(visited, monkeypatch, caplog):
    sent = []
    monkeypatch.setattr(
        ZMQChannelsWebsocketConnection, "handle_outgoing_message", lambda self, stream, parts: sent.append(parts)
    )
    for number in range(MAX_REPORTS + 10):
        parts = status("idle", "comm_msg")
        parts[3] = json.dumps({"msg_type": "error"}).encode()
        parts[-1] = json.dumps({"traceback": [f"line {number} of /home/owner/secret.py"]}).encode()
        visited.handle_outgoing_message("iopub", parts)
    assert sent == []
    assert len(caplog.messages) == MAX_REPORTS
    assert "k1" in caplog.messages[0]
    assert "line 0 of /home/owner/secret.py" in caplog.messages[0]
    visited.handle_outgoing_message("iopub", status("idle", "comm_msg"))
    assert len(sent) == 1


def test_handle_incoming_message_counts_what_is_not_allowed(visited, monkeypatch):
    passed = []
    monkeypatch.setattr(
        ZMQChannelsWebsocketConnection, "handle_incoming_message", lambda self, message: passed.append(message)
    )
    monkeypatch.setattr(PromptConnection, "subprotocol", None, raising=False)
    header = {"msg_id": "m", "msg_type": "comm_open", "session": "s", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell"}
    for target in ("jupyter.widget.control", *["jupyter.widget"] * (MAX_REFUSED + 10)):
        visited.handle_incoming_message(json.dumps(message | {"content": {"comm_id": "c", "target_name": target}}))
    assert len(passed) == 1
    assert visited.websocket_handler.stream.is_closed


@pytest.mark.parametrize("server", [Voila, ServerApp])
def test_prompt_connection_is_taken_by_name(server):
    assert server(kernel_websocket_connection_class=NAME).kernel_websocket_connection_class is PromptConnection


def test_voila_json_names_it(project_root: Path):
    settings = json.loads((project_root / "voila.json").read_text(encoding="utf-8"))
    assert settings["Voila"]["kernel_websocket_connection_class"] == NAME


def test_connection_imports_no_widgets():
    check = "import sys, fer_lib.live.connection; print([m for m in ('ipywidgets', 'anywidget', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
