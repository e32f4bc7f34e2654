import pytest
from ipywebrtc import CameraStream, ImageStream
from ipywidgets import Image

from fer_lib.faces import Faces
from fer_lib.live.panel import LIMITS, PRIVACY, Panel
from fer_lib.live.session import Session


class FakePipeline:
    timings_ms: dict[str, float] = {}  # noqa: RUF012 - never changed

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        return Faces.empty()

    def reset(self) -> None: ...


@pytest.fixture
def panel() -> Panel:
    session = Session(load=lambda settings: FakePipeline())
    panel = Panel(session)
    assert session.wait_until_loaded(10)
    return panel


@pytest.fixture
def sent(panel, monkeypatch) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = []
    monkeypatch.setattr(panel.view, "send", messages.append)
    return messages


def test_panel_shows_view_and_notes(panel):
    view, notes = panel.children
    assert view is panel.view
    assert PRIVACY in notes.value
    assert LIMITS in notes.value


def test_panel_opens_the_camera_by_default(panel):
    assert isinstance(panel.view.stream, CameraStream)


def test_panel_takes_another_stream():
    stream = ImageStream(image=Image(value=b""))
    assert Panel(Session(load=lambda settings: FakePipeline()), stream).view.stream is stream


def test_panel_answers_a_frame(panel, sent):
    panel.view._handle_custom_msg({"type": "frame", "id": 1, "time_s": 0.5}, [memoryview(b"jpeg")])
    assert sent == [{"type": "faces", "id": 1, "faces": [], "ms": {}}]


def test_panel_answers_nothing_to_a_state(panel, sent):
    panel.view._handle_custom_msg({"type": "state", "state": "stopped", "detail": ""}, [])
    assert sent == []
    assert panel.session.state == "stopped"
