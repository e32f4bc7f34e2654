"""Restrictions of widget messages in a kernel whose server filters none of them."""

import uuid

import ipywebrtc
import ipywidgets
import pytest
from ipywidgets.comm import get_comm_manager
from ipywidgets.widgets import widget as widget_module

from fer_lib.live.page import comm_guard
from fer_lib.live.page.camera import open_source
from fer_lib.live.page.comm_guard import (
    ALL_STATES_BURST,
    STATE_BURST,
    STATES_PER_S,
    find_widgets,
    restrict_kernel,
)
from fer_lib.live.page.live_view import LiveView
from fer_lib.live.page.panel import Panel
from fer_lib.live.server.message_filter import CONTROL_TARGET
from fer_lib.live.session.commands import DEMO
from fer_lib.live.session.session import Session
from fer_lib.rate_limit import TokenBucket

# All classes that `jupyter.widget` could create: the page's imports have registered them.
CLASSES = dict(widget_module._registry.items())
FIELDS = ("_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name")
VERSION = {"version": "2.1.0"}


@pytest.fixture
def manager(monkeypatch):
    """The comm manager of a kernel that has imported ipywidgets; changes are undone after the test."""
    manager = get_comm_manager()
    monkeypatch.setattr(manager, "targets", dict(manager.targets))
    monkeypatch.setattr(widget_module, "_registry", widget_module._registry)
    monkeypatch.setattr(comm_guard.time, "monotonic", lambda: 1000.0)
    ipywidgets.register_comm_target()
    return manager


@pytest.fixture
def panel():
    return Panel(Session(load=lambda settings: None), open_source(DEMO))


def open_comm(manager, state, buffers=(), paths=(), target="jupyter.widget", comm_id=None, metadata=VERSION):
    content = {"comm_id": comm_id or uuid.uuid4().hex, "target_name": target}
    content["data"] = {"state": state, "buffer_paths": list(paths)}
    manager.comm_open(None, b"", {"content": content, "metadata": metadata, "buffers": list(buffers)})
    return content["comm_id"]


def send(manager, comm_id, data, buffers=()):
    manager.comm_msg(None, b"", {"content": {"comm_id": comm_id, "data": data}, "buffers": list(buffers)})


def attack(manager, recorder, field, path):
    """Try to write a file: open a medium, then a recorder of it that saves automatically, then send the data."""
    medium = open_comm(manager, make_state(getattr(ipywidgets, field.capitalize())))
    state = make_state(recorder) | {field: f"IPY_MODEL_{medium}", "filename": str(path), "autosave": True}
    open_comm(manager, state)
    send(manager, medium, {"method": "update", "state": {}, "buffer_paths": [["value"]]}, [b"written"])


def make_state(widget_class):
    key = next(key for key, one in CLASSES.items() if one is widget_class)
    return dict(zip(FIELDS, key, strict=True))


RECORDERS = {
    "image": ipywebrtc.ImageRecorder,
    "video": ipywebrtc.VideoRecorder,
    "audio": ipywebrtc.AudioRecorder,
}


@pytest.mark.parametrize("field", RECORDERS)
def test_restrict_kernel_prevents_recorders_from_writing_files(manager, tmp_path, field):
    """Without the restriction the same messages write a file."""
    attack(manager, RECORDERS[field], field, tmp_path / "before.txt")
    assert (tmp_path / "before.txt").read_bytes() == b"written"
    restrict_kernel()
    attack(manager, RECORDERS[field], field, tmp_path / "after.txt")
    assert not (tmp_path / "after.txt").exists()


def test_restrict_kernel_prevents_creation_of_widgets(manager, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    restrict_kernel()
    widgets, comms = set(widget_module._instances), set(manager.comms)
    for key in CLASSES:
        state = dict(zip(FIELDS, key, strict=True)) | {"filename": "saved.txt", "autosave": True}
        for target in ("jupyter.widget", "jupyter.widget ", "comm", ""):
            open_comm(manager, dict(state), target=target)
    assert len(CLASSES) > 50
    assert set(widget_module._instances) == widgets
    assert set(manager.comms) == comms
    assert list(tmp_path.iterdir()) == []


def test_restrict_kernel_empties_the_registry(manager):
    restrict_kernel()
    assert list(widget_module._registry.items()) == []
    assert "jupyter.widget" not in manager.targets


def test_restrict_kernel_allows_widgets_of_other_cells(manager, panel):
    restrict_kernel()
    slider = ipywidgets.IntSlider()
    send(manager, slider.model_id, {"method": "update", "state": {"value": 7}})
    assert slider.value == 7


@pytest.fixture
def states(monkeypatch):
    """The accepted `request_states` messages."""
    sent = []
    monkeypatch.setattr(ipywidgets.Widget, "_handle_control_comm_msg", lambda message: sent.append(message))
    return sent


def test_restrict_kernel_accepts_request_states(manager, states):
    restrict_kernel()
    restrict_kernel()
    comm = open_comm(manager, {}, target=CONTROL_TARGET, metadata={"version": "1.0.0"})
    send(manager, comm, {"method": "request_states"})
    for data in ({"method": "update"}, {"method": ["request_states"]}, {}, None, [], "request_states"):
        send(manager, comm, data)
    assert len(states) == 1


def test_restrict_kernel_keeps_one_control_comm(manager):
    restrict_kernel()
    before = len(manager.comms)
    for _ in range(100):
        last = open_comm(manager, {}, target=CONTROL_TARGET, metadata={"version": "1.0.0"})
    for _ in range(3):
        open_comm(manager, {}, target=CONTROL_TARGET, metadata={"version": "1.0.0"}, comm_id=last)
    assert len(manager.comms) == before + 1
    assert last in manager.comms


def test_restrict_kernel_limits_the_rate_of_request_states(manager, states):
    restrict_kernel()
    for _ in range(10):
        comm = open_comm(manager, {}, target=CONTROL_TARGET, metadata={"version": "1.0.0"})
        for _ in range(50):
            send(manager, comm, {"method": "request_states"})
    assert len(states) == ALL_STATES_BURST


def test_state_requests_rate():
    requests = TokenBucket(STATES_PER_S, STATE_BURST)
    admitted = sum(requests.consume(1, 100 + number / 100) for number in range(1001))
    assert admitted == pytest.approx(STATE_BURST + 10 * STATES_PER_S, abs=1)


def test_find_widgets_of_panel(panel):
    found = list(find_widgets(panel))
    assert {panel, panel.view, panel.view.stream, panel.view.stream.image, panel.layout} <= set(found)
    assert len(found) == len(set(found)) > 8


VALUES = (None, True, 5, "x", "x" * 1000, [], ["x"], {"a": 1}, "IPY_MODEL_")


def test_restrict_widgets_rejects_updates(manager, panel):
    """No update changes a trait of a widget of the page, and each is counted as an error."""
    widgets = list(find_widgets(panel))
    before = [widget.get_state() for widget in widgets]
    attempts = 0
    for widget in widgets:
        for name in [*widget.keys, "comm", "keys", "session", "_esm", "log"]:
            for value in VALUES:
                send(manager, widget.model_id, {"method": "update", "state": {name: value}, "buffer_paths": []})
            paths = [[name]]
            send(manager, widget.model_id, {"method": "update", "state": {}, "buffer_paths": paths}, [b"x" * 100])
            attempts += len(VALUES) + 1
    assert [widget.get_state() for widget in widgets] == before
    assert panel.session.errors == attempts > 1000


@pytest.mark.parametrize("method", ["custom", "echo_update", "backbone", None, ["custom"], {}])
def test_restrict_widgets_rejects_methods_without_handler(manager, panel, method):
    for widget in (panel, panel.layout, panel.view.stream):
        send(manager, widget.model_id, {"method": method, "content": {"type": "demo"}})
    assert panel.session.errors == 3


@pytest.mark.parametrize("data", [None, [], "custom", {}, 5])
def test_restrict_widgets_rejects_malformed_data(manager, panel, data):
    send(manager, panel.view.model_id, data)
    assert panel.session.errors == 1


def test_restrict_widgets_accepts_custom_messages(manager, panel, monkeypatch):
    sent = []
    monkeypatch.setattr(LiveView, "send", lambda self, content, buffers=None: sent.append(content["type"]))
    send(manager, panel.view.model_id, {"method": "custom", "content": {"type": "demo"}})
    send(manager, panel.view.model_id, {"method": "custom"})
    assert sent == ["demo"]
    assert panel.session.errors == 1


def test_restrict_widgets_limits_the_rate_of_request_state(manager, panel, monkeypatch):
    sent = []
    monkeypatch.setattr(ipywidgets.Widget, "send_state", lambda self, key=None: sent.append(self))
    for _ in range(STATE_BURST):
        for widget in find_widgets(panel):
            send(manager, widget.model_id, {"method": "request_state"})
    assert len(sent) == STATE_BURST
    assert set(sent) == set(find_widgets(panel))
