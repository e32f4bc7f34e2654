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
