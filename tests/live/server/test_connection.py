"""The kernel connection, made of Jupyter's own objects; messages are serialised by jupyter_client."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp
from tornado.websocket import WebSocketClosedError
from voila.app import Voila

from fer_lib.live.server.connection import MAX_LOGGED_OUTPUTS, MAX_UNREAD_BYTES, KernelConnection
from fer_lib.live.server.rate_limit import MAX_REJECTED

NAME = "fer_lib.live.server.connection.KernelConnection"


def read_sent(connection, field="content"):
    """Return a field of each message that the client was sent."""
    return [json.loads(message)[field] for message in connection.websocket_handler.ws_connection.sent]


@pytest.fixture
def clock(monkeypatch):
    """The time of the connection in seconds, in a list that a test may change."""
    now = [100.0]
    monkeypatch.setattr("fer_lib.live.server.connection.time.monotonic", lambda: now[0])
    return now


def test_connect_disables_nagle_before_it_connects(owner):
    assert owner.websocket_handler.ws_connection.calls == ["set_nodelay(True)", "create_stream"]


def test_handle_outgoing_message_forwards_busy_of_widgets_once_a_second(owner, serialize, clock):
    sent = []
    for clock[0] in (100.0, 100.5, 100.9, 101.25):
        for state in ("busy", "idle"):
            before = len(read_sent(owner))
            owner.handle_outgoing_message("iopub", serialize("status", {"execution_state": state}))
            sent += [(clock[0], content["execution_state"]) for content in read_sent(owner)[before:]]
    assert [at for at, state in sent if state == "busy"] == [100.0, 101.25]
    assert [at for at, state in sent if state == "idle"] == [100.0, 100.5, 100.9, 101.25]


def test_handle_outgoing_message_forwards_busy_of_cells(owner, serialize, clock):
    for _ in range(5):
        owner.handle_outgoing_message("iopub", serialize("status", {"execution_state": "busy"}, "execute_request"))
    assert read_sent(owner) == [{"execution_state": "busy"}] * 5


def test_handle_outgoing_message_completes_a_message_in_flight(visitor, serialize):
    visitor._rate_limit.in_flight.extend([10, 20])
    visitor.handle_outgoing_message("iopub", serialize("status", {"execution_state": "busy"}))
    visitor.handle_outgoing_message("iopub", serialize("comm_msg", {"data": {"idle": "status"}}))
    assert list(visitor._rate_limit.in_flight) == [10, 20]
    visitor.handle_outgoing_message("iopub", serialize("status", {"execution_state": "idle"}))
    assert list(visitor._rate_limit.in_flight) == [20]


def test_handle_outgoing_message_logs_private_output(visitor, serialize, caplog):
    for number in range(MAX_LOGGED_OUTPUTS + 10):
        content = {"ename": "E", "evalue": "", "traceback": [f"line {number} of /home/owner/secret.py"]}
        visitor.handle_outgoing_message("iopub", serialize("error", content))
    assert read_sent(visitor) == []
    assert len(caplog.messages) == MAX_LOGGED_OUTPUTS
    assert visitor.kernel_id in caplog.messages[0]
    assert "line 0 of /home/owner/secret.py" in caplog.messages[0]
    visitor.handle_outgoing_message("iopub", serialize("status", {"execution_state": "idle"}))
    assert len(read_sent(visitor)) == 1


def test_handle_outgoing_message_forwards_all_output_to_the_owner(owner, serialize):
    owner.handle_outgoing_message("iopub", serialize("stream", {"name": "stdout", "text": "printed"}))
    assert [content["text"] for content in read_sent(owner)] == ["printed"]


def test_write_message_disconnects_a_client_that_does_not_read(visitor, caplog):
    stream = visitor.websocket_handler.ws_connection.stream
    visitor.write_message("x" * (2 * MAX_UNREAD_BYTES))
    assert not stream.is_closed, "a single message may have any size"
    visitor.write_message("x")
    assert stream.is_closed
    assert stream.unread_bytes == 2 * MAX_UNREAD_BYTES
    assert str(MAX_UNREAD_BYTES) in caplog.messages[-1]


def test_write_message_to_a_closed_connection(visitor):
    visitor.websocket_handler.ws_connection = None
    with pytest.raises(WebSocketClosedError):
        visitor.write_message("x")
    visitor._disconnect_client("closed already")


def make_comm_open(target):
    header = {"msg_id": "m", "msg_type": "comm_open", "session": "s", "version": "5.3"}
    content = {"comm_id": "c", "target_name": target}
    return json.dumps(
        {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content, "buffers": []}
    )


def test_handle_incoming_message_disconnects_after_too_many_rejected(visitor):
    protocol = visitor.websocket_handler.ws_connection
    for target in ("jupyter.widget.control", *["jupyter.widget"] * (MAX_REJECTED + 10)):
        visitor.handle_incoming_message(make_comm_open(target))
    assert len(visitor.channels["shell"].received) == 1
    assert "close(1008)" in protocol.calls
    assert protocol.stream.is_closed


def test_handle_incoming_message_forwards_all_of_the_owner(owner):
    for _ in range(2 * MAX_REJECTED):
        owner.handle_incoming_message(make_comm_open("jupyter.widget"))
    assert len(owner.channels["shell"].received) == 2 * MAX_REJECTED


@pytest.mark.parametrize("server", [Voila, ServerApp])
def test_kernel_connection_is_configured_by_name(server):
    assert server(kernel_websocket_connection_class=NAME).kernel_websocket_connection_class is KernelConnection


def test_voila_json_names_the_connection(project_root: Path):
    settings = json.loads((project_root / "voila.json").read_text(encoding="utf-8"))
    assert settings["Voila"]["kernel_websocket_connection_class"] == NAME


def test_importing_the_server_imports_no_widgets():
    modules = "('ipywidgets', 'anywidget', 'cv2', 'fer_lib.live.session.session', 'fer_lib.live.page.panel')"
    script = f"""
import importlib, pkgutil, sys
server = importlib.import_module("fer_lib.live.server")
for module in pkgutil.walk_packages(server.__path__, "fer_lib.live.server."):
    importlib.import_module(module.name)
print([name for name in {modules} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
