import re

import pytest
from ipywebrtc import CameraStream

from fer_lib.live.page.live_view import FOLDER, SCRIPTS, LiveView
from fer_lib.settings import LiveSettings


@pytest.fixture
def view() -> LiveView:
    return LiveView(CameraStream(), LiveSettings.load(capture_width=320))


@pytest.fixture
def sent(view, monkeypatch) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = []
    monkeypatch.setattr(view, "send", messages.append)
    return messages


def test_live_view_options(view):
    assert view.options["capture_width"] == 320


def test_live_view_stream_reference(view):
    assert view.get_state("stream") == {"stream": f"IPY_MODEL_{view.stream.model_id}"}


def test_esm_contains_every_script():
    scripts = FOLDER / "scripts"
    assert sorted(path.relative_to(scripts).as_posix() for path in scripts.rglob("*.js")) == sorted(SCRIPTS)
    for name in SCRIPTS:
        assert (scripts / name).read_text(encoding="utf-8") in LiveView._esm


def test_live_view_loads_nothing_external(view):
    assert not re.findall(r"https?://|@import|\burl\(|\bimport\b.*\bfrom\b", f"{view._esm}{view._css}")


def test_start_and_stop(view, sent):
    view.start()
    view.stop()
    assert sent == [{"type": "start"}, {"type": "stop"}]
