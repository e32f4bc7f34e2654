"""End-to-end tests of the video clip: video with overlay, recorded by the browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from harness.browser import LivePage

pytestmark = pytest.mark.timeout(900)

NO_RECORDER = "delete window.MediaRecorder;"
NO_FORMAT = "MediaRecorder.isTypeSupported = () => false;"
BROKEN = "MediaRecorder.prototype.start = () => { throw new DOMException('no encoder', 'NotSupportedError'); };"


@pytest.fixture
def live(live: LivePage) -> Iterator[LivePage]:
    yield live
    assert live.console_errors == []
    assert live.external_urls == []


def save(page: LivePage, button: str, path: Path) -> list[np.ndarray]:
    """End the clip by pressing a button; return the RGB frames of the saved file."""
    with page.page.expect_download() as download:
        page.press(button)
    assert re.fullmatch(r"faces-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.(webm|mp4)", download.value.suggested_filename)
    download.value.save_as(path)
    with av.open(str(path)) as clip:
        assert not clip.streams.audio
        return [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]


# Labels of the overlay get a colour that no frame of the camera contains.
MAGENTA_LABELS = """() => {
  const context = CanvasRenderingContext2D.prototype, fill = context.fill;
  context.fill = function (...parameters) { this.fillStyle = "#ff00ff"; fill.apply(this, parameters); };
}"""


def count_magenta(frame: np.ndarray) -> int:
    return int((np.abs(frame.astype(int) - [255, 0, 255]).max(axis=2) < 60).sum())


def test_clip_contains_video_and_overlay(live, tmp_path):
    mark = live.page.locator(".fer-mark-clip")
    live.page.evaluate(MAGENTA_LABELS)
    live.wait_for_results(live.results + 3)
    live.press("Clip")
    mark.wait_for()
    live.wait_for_results(live.results + 20)
    assert re.fullmatch(r"Clip 0:\d\d", mark.inner_text())
    frames = save(live, "Clip", tmp_path / "clip.webm")
    assert not mark.is_visible()
    assert len(frames) >= 5
    assert frames[0].shape == (480, 640, 3)
    assert np.median([count_magenta(frame) for frame in frames]) > 500
    # The face moves in the saved clip.
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 2


def test_stop_ends_and_saves_the_clip(live, tmp_path):
    live.press("Clip")
    live.wait_for_results(live.results + 5)
    assert save(live, "Stop", tmp_path / "clip.webm")
    button = live.page.get_by_role("button", name="Clip", exact=True)
    assert button.is_disabled()
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (NO_RECORDER, "can't record clips"),
        (NO_FORMAT, "can't record clips"),
        (BROKEN, "could not be started. no encoder"),
    ],
    ids=["no-recorder", "no-format", "broken"],
)
def test_clip_not_possible(browser, voila, script, message):
    page = LivePage(browser, voila, script)
    try:
        page.wait_until_ready()
        page.press("Start")
        page.wait_for_state("running")
        page.press("Clip")
        page.wait_until(lambda: message in page.page.locator(".fer-toast").inner_text(), "the error message")
        assert not page.page.locator(".fer-mark-clip").is_visible()
        assert page.state == "running"
        assert page.console_errors == []
    finally:
        page.close()
