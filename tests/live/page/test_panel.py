import pytest
from fakes import FakePipeline
from ipywebrtc import CameraStream, ImageStream
from ipywidgets import Image

from fer_lib.faces import Faces
from fer_lib.live.page.panel import LIMITS, PRIVACY, Panel
from fer_lib.live.session.session import Session
from fer_lib.settings import VisionSettings


@pytest.fixture
def panel() -> Panel:
    session = Session(load=lambda settings: FakePipeline(Faces.empty()))
    panel = Panel(session)
    assert session.wait_until_loaded(10)
    return panel


@pytest.fixture
def sent(panel, monkeypatch) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = []
    monkeypatch.setattr(panel.view, "send", messages.append)
    return messages


def test_panel_children(panel):
    view, notes = panel.children
    assert view is panel.view
    assert PRIVACY in notes.value
    assert LIMITS in notes.value


def test_panel_opens_the_camera_by_default(panel):
    assert isinstance(panel.view.stream, CameraStream)


def test_panel_other_stream():
    stream = ImageStream(image=Image(value=b""))
    assert Panel(Session(load=lambda settings: FakePipeline(Faces.empty())), stream).view.stream is stream


def test_panel_replies_to_a_frame(panel, sent):
    panel.view._handle_custom_msg({"type": "frame", "id": 1, "time_s": 0.5}, [memoryview(b"FACE")])
    assert sent == [{"type": "faces", "id": 1, "faces": [], "ms": {"decode": 0.81, "total": 4.57}}]


def test_panel_sends_no_reply_to_a_state(panel, sent):
    panel.view._handle_custom_msg({"type": "state", "state": "stopped", "detail": ""}, [])
    assert sent == []
    assert panel.session.state == "stopped"


def test_panel_sends_a_file_as_buffer(panel, monkeypatch):
    sent = []
    monkeypatch.setattr(panel.view, "send", lambda content, buffers=None: sent.append((content, buffers)))
    panel.view._handle_custom_msg({"type": "record", "on": True}, [])
    panel.view._handle_custom_msg({"type": "frame", "id": 1, "time_s": 0.5}, [memoryview(b"FACE")])
    panel.view._handle_custom_msg({"type": "record", "on": False}, [])
    panel.view._handle_custom_msg({"type": "download", "kind": "csv"}, [])
    content, (text,) = sent[-1]
    assert content == {"type": "file", "kind": "csv"}
    assert text.decode().startswith("time_s,frame,track_id")


def test_panel_passes_smoothing_to_the_view():
    session = Session(VisionSettings.load(smoothing_s=0.7), load=lambda settings: FakePipeline(Faces.empty()))
    assert Panel(session).view.options["smoothing_s"] == 0.7
