"""End-to-end tests of neutral calibration and of the emotion strip of a recording."""

import re
from collections.abc import Iterator

import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.live.session.neutral_calibration import DONE, NOT_NEEDED, STOPPED
from harness.browser import LivePage

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def voila(chromium: str) -> Iterator[str]:
    from harness.servers import serve_voila

    # Shorter than the default: the camera's face moves, and on a busy machine it is lost now and then.
    with serve_voila(environment={"FER_CALIBRATION_S": "2"}) as url:
        yield url


@pytest.fixture
def live(live: LivePage) -> Iterator[LivePage]:
    yield live
    assert live.console_errors == []
    assert live.external_urls == []


def calibrate(live: LivePage) -> str:
    """Calibrate, up to ten times until it succeeds; return the last result sentence."""
    mark, result = live.page.locator(".fer-mark-calibration"), live.page.locator(".fer-calibration-result")
    for _ in range(10):
        live.press("Calibrate …")
        mark.wait_for()
        live.wait_until(lambda: not mark.is_visible(), "the end of the calibration")
        if result.inner_text() in (DONE, NOT_NEEDED):
            break
    return result.inner_text()


def test_calibrate_and_delete(live):
    badge, delete = live.page.locator(".fer-calibrated"), live.page.get_by_role("button", name="Delete calibration")
    assert not badge.is_visible()
    live.press("More")
    assert delete.is_disabled()
    before = live.faces[0]["probabilities"]
    assert calibrate(live) == DONE  # the face smiles, so that there is an offset
    badge.wait_for()
    label = before.index(max(before))
    live.wait_until(
        lambda: bool(live.faces) and live.faces[0]["probabilities"][label] < max(before) - 0.02, "a smaller probability"
    )
    delete.click()
    badge.wait_for(state="hidden")
    assert delete.is_disabled()
    live.wait_until(
        lambda: bool(live.faces) and live.faces[0]["probabilities"][label] > max(before) - 0.02,
        "the former probability",
    )


def test_stop_cancels_the_calibration(live):
    live.press("More")
    live.press("Calibrate …")
    live.page.locator(".fer-mark-calibration").wait_for()
    live.press("Stop")
    result = live.page.locator(".fer-calibration-result")
    live.wait_until(lambda: result.inner_text() == STOPPED, "the sentence")
    assert not live.page.locator(".fer-mark-calibration").is_visible()
    assert live.page.get_by_role("button", name="Calibrate …").is_disabled()


def test_recording_has_an_emotion_strip(live):
    live.press("Record")
    live.wait_for_results(live.results + 20)
    live.press("Record")
    strip = live.page.locator(".fer-strip").first
    strip.wait_for()
    label = "|".join(EMOTIONS)
    assert re.match(rf"Over time: ({label}) from 0:\d\d to 0:\d\d", strip.get_attribute("aria-label"))
    strip_box = strip.bounding_box()
    pieces = [piece.bounding_box() for piece in strip.locator("i").all()]
    assert pieces
    assert all(piece["x"] >= strip_box["x"] - 1 for piece in pieces)
    assert sum(piece["width"] for piece in pieces) <= strip_box["width"] + 2
