"""The annotated clip, as visitors make it: it shows the picture with its boxes."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from harness.browser import LivePage

pytestmark = pytest.mark.timeout(900)

NO_RECORDER = "delete window.MediaRecorder;"
NO_KIND = "MediaRecorder.isTypeSupported = () => false;"
BROKEN = "MediaRecorder.prototype.start = () => { throw new DOMException('no encoder', 'NotSupportedError'); };"


@pytest.fixture
def live(live: LivePage) -> Iterator[LivePage]:
    yield live
    assert live.console_errors == []
    assert live.external_urls == []


def save(page: LivePage, word: str, path: Path) -> list[np.ndarray]:
    """End the film by pressing a button; return the frames of the file that the browser saves, RGB."""
    with page.page.expect_download() as waiting:
        page.press(word)
    assert re.fullmatch(r"faces-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.(webm|mp4)", waiting.value.suggested_filename)
    waiting.value.save_as(path)
    with av.open(str(path)) as film:
        assert not film.streams.audio
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


# Labels of the overlay get a colour that no picture of the camera has.
MAGENTA_LABELS = """() => {
  const context = CanvasRenderingContext2D.prototype, fill = context.fill;
  context.fill = function (...how) { this.fillStyle = "#ff00ff"; fill.apply(this, how); };
}"""


def count_magenta(frame: np.ndarray) -> int:
    return int((np.abs(frame.astype(int) - [255, 0, 255]).max(axis=2) < 60).sum())


def test_film_shows_the_picture_and_its_boxes(live, tmp_path):
    mark = live.page.locator(".fer-mark-film")
    live.page.evaluate(MAGENTA_LABELS)
    live.wait_for_results(live.results + 3)
    live.press("Film")
    mark.wait_for()
    live.wait_for_results(live.results + 20)
    assert re.fullmatch(r"Film 0:\d\d", mark.inner_text())
    frames = save(live, "Film", tmp_path / "film.webm")
    assert not mark.is_visible()
    assert len(frames) >= 5
    assert frames[0].shape == (480, 640, 3)
    assert np.median([count_magenta(frame) for frame in frames]) > 500
    # The clip moves, and so does the film.
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 2


def test_stop_ends_and_saves_the_film(live, tmp_path):
    live.press("Film")
    live.wait_for_results(live.results + 5)
    assert save(live, "Stop", tmp_path / "film.webm")
    button = live.page.get_by_role("button", name="Film", exact=True)
    assert button.is_disabled()
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (NO_RECORDER, "can't record clips"),
        (NO_KIND, "can't record clips"),
        (BROKEN, "could not be started. no encoder"),
    ],
    ids=["no-recorder", "no-kind", "broken"],
)
def test_a_browser_that_can_not_film_is_told(browser, voila, script, sentence):
    page = LivePage(browser, voila, script)
    try:
        page.wait_until_ready()
        page.press("Start")
        page.wait_for_state("running")
        page.press("Film")
        page.wait_until(lambda: sentence in page.page.locator(".fer-toast").inner_text(), "a sentence")
        assert not page.page.locator(".fer-mark-film").is_visible()
        assert page.state == "running"
        assert page.console_errors == []
    finally:
        page.close()
