import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from voila.app import Voila

from fer_lib.live.connection import PromptConnection

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
