"""The annotated clip, as visitors make it: it shows the picture with its boxes, and goes nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.browser import LivePage

pytestmark = pytest.mark.timeout(900)

NO_RECORDER = "delete window.MediaRecorder;"
NO_KIND = "MediaRecorder.isTypeSupported = () => false;"
BROKEN = "MediaRecorder.prototype.start = () => { throw new DOMException('no encoder', 'NotSupportedError'); };"


@pytest.fixture
def live(live: LivePage) -> Iterator[LivePage]:
    yield live
    assert live.complaints == []
    assert live.strangers == []


def save(page: LivePage, word: str, path: Path) -> list[np.ndarray]:
    """End the film by pressing a button; return the frames of the file that the browser saves, RGB."""
    with page.page.expect_download() as waiting:
        page.press(word)
    assert re.fullmatch(r"faces-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.(webm|mp4)", waiting.value.suggested_filename)
    waiting.value.save_as(path)
    with av.open(str(path)) as film:
        assert not film.streams.audio
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def count_orange(frame: np.ndarray) -> int:
    """Count the pixels in the colour of "happy", which the camera's clip has nowhere in a large even patch."""
    return int((np.abs(frame.astype(int) - [230, 159, 0]).max(axis=2) < 40).sum())


def test_film_shows_the_picture_and_its_boxes(live, tmp_path):
    mark = live.page.locator(".fer-mark-film")
    live.press("Film")
    mark.wait_for()
    sent = live.frames_sent
    live.wait_for_results(live.results + 20)
    assert re.fullmatch(r"Film 0:\d\d", mark.inner_text())
    frames = save(live, "Film", tmp_path / "film.webm")
    assert not mark.is_visible()
    assert live.frames_sent - sent < 2000  # the loop's own frames go to the kernel, the film does not
    assert len(frames) >= 5
    assert frames[0].shape == (480, 640, 3)
    labels = [face["label"] for face in live.faces]
    if labels == ["happy"]:
        assert np.median([count_orange(frame) for frame in frames]) > 1500
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
        assert page.complaints == []
    finally:
        page.close()
