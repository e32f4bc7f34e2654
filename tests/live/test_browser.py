"""End-to-end tests of the live page: Voila, Chromium, and a synthetic camera with known face boxes."""

import numpy as np
import pytest

from fer_lib.boxes import iou
from fer_lib.labels import EMOTIONS
from fer_lib.live.page.panel import LIMITS, PRIVACY
from fer_lib.live.session.states import STATES
from harness.browser import LivePage
from harness.synthetic_camera import FRAMES, face_box

# A busy machine may need a minute to load a page; waits end as soon as their condition holds.
pytestmark = pytest.mark.timeout(900)

PHASES = 6


def collect_ious(page: LivePage) -> list[list[float]]:
    """Collect the IoU of detected and true box of every result over one round of the face; return them by phase."""
    phases: list[list[float]] = [[] for _ in range(PHASES)]

    def has_every_phase() -> bool:
        for result in page.pop_results():
            if 0 <= result["frame"] < FRAMES and result["faces"]:
                boxes = np.array([face["xyxy"] for face in result["faces"]], np.float32)
                truth = face_box(result["frame"])[None]
                phases[result["frame"] * PHASES // FRAMES].append(float(iou(boxes, truth).max()))
        return all(len(phase) >= 5 for phase in phases)

    page.wait_until(has_every_phase, "results in every phase of the round")
    return phases


def test_page_before_start(page):
    assert page.page.locator("html").get_attribute("lang") == "en"
    assert page.page.title() == "What do the faces in view show?"
    assert page.status == STATES["ready"]
    assert page.page.get_by_role("heading", level=1).inner_text().endswith("?")
    assert page.page.get_by_role("button", name="Stop", exact=True).is_disabled()
    assert page.page.get_by_text(PRIVACY).is_visible()
    assert page.page.get_by_text(LIMITS).is_visible()
    assert page.page.get_by_role("meter").count() == len(EMOTIONS)


def test_video_keeps_its_position(page):
    stage = page.page.locator(".fer-stage")
    positions = [stage.bounding_box()]
    page.press("Start")
    page.wait_for_state("running")
    positions.append(stage.bounding_box())
    page.press("Stop")
    positions.append(stage.bounding_box())
    assert positions[0] == positions[1] == positions[2]


@pytest.mark.parametrize("width", [320, 390, 700, 1280, 1920])
def test_page_layout_by_width(browser, voila, width):
    page = LivePage(browser, voila, viewport={"width": width, "height": 900})
    try:
        page.wait_until_ready()
        assert page.page.evaluate("() => document.documentElement.scrollWidth") == width
        bars = page.page.locator(".fer-panel").bounding_box()
        stage = page.page.locator(".fer-stage").bounding_box()
        beside = bars["x"] >= stage["x"] + stage["width"]
        below = bars["y"] >= stage["y"] + stage["height"]
        assert (beside, below) == ((True, False) if width >= 1280 else (False, True))
    finally:
        page.close()


def test_boxes_follow_the_face(live):
    live.record_results()
    phases = collect_ious(live)
    assert all(np.median(phase) >= 0.5 for phase in phases), [np.median(phase) for phase in phases]
    # The true box moves by more than its width, so that a box that does not move would fail.
    xs = [face_box(number)[0] for number in range(FRAMES)]
    assert max(xs) - min(xs) > np.diff(face_box(0)[[0, 2]])


def test_label_and_probability_are_shown(live):
    (face,) = live.faces
    assert face["label"] in EMOTIONS
    assert face["probability"] == max(face["probabilities"])
    assert sum(face["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert live.page.locator(".fer-label").inner_text().lower() in EMOTIONS
    values = live.page.locator(".fer-bar output").all_inner_texts()
    assert 95 <= sum(int(value.removesuffix(" %")) for value in values) <= 105


def test_overlay_position(live):
    drawn = """() => {
      const root = document.querySelector(".fer-live"), canvas = root.querySelector("canvas");
      const [x1, y1, x2, y2] = JSON.parse(root.dataset.faces)[0].xyxy.map((v) => v * canvas.width / 640);
      const alpha = (x, y) => canvas.getContext("2d").getImageData(canvas.width - x, y, 1, 1).data[3];
      const y = (y1 + y2) / 2;
      return [alpha(x1, y), alpha(x2, y), alpha((x1 + x2) / 2, y)].map(Boolean);
    }"""
    assert live.page.evaluate(drawn) == [True, True, False]


def test_throughput_is_shown(live):
    live.wait_until(
        lambda: "results per second" in live.page.locator(".fer-throughput").inner_text(), "a measured throughput"
    )


def test_no_external_requests_and_no_console_errors(live):
    live.wait_for_results(10)
    live.press("Stop")
    assert live.external_urls == []
    assert live.console_errors == []


def test_stop_releases_the_camera(live):
    assert live.live_tracks() == 1
    live.press("Stop")
    assert live.state == "stopped"
    assert live.live_tracks() == 0
    assert live.page.evaluate("() => document.querySelector('video').srcObject") is None
    assert live.faces == []
    results, frames = live.results, live.frames_sent
    live.page.wait_for_timeout(1500)
    assert (live.results, live.frames_sent) == (results, frames)


def test_start_after_stop(live):
    for _ in range(2):
        live.press("Stop")
        live.press("Start")
        live.wait_for_state("running")
        live.wait_for_results(5)
        assert live.live_tracks() == 1


def test_start_and_stop_by_keyboard(page):
    page.page.locator(".fer-start").focus()
    page.page.keyboard.press("Enter")
    page.wait_for_state("running")
    assert page.page.evaluate("() => document.activeElement.textContent") == "Stop"
    page.page.keyboard.press("Enter")
    assert page.state == "stopped"
    assert page.page.evaluate("() => document.activeElement.textContent") == "Start"


def test_select_a_face(live):
    name = live.page.locator(".fer-face-name")
    canvas = live.page.locator(".fer-overlay")
    canvas.press("ArrowRight")
    live.wait_until(lambda: name.inner_text() == "Selected face", "a selected face")
    canvas.press("Escape")
    live.wait_until(lambda: name.inner_text() == "Largest face", "the largest face")
    box = canvas.bounding_box()
    x1, y1, x2, y2 = (value * box["width"] / 640 for value in live.faces[0]["xyxy"])
    # The page mirrors the camera: left in the frame is right on the screen.
    canvas.click(position={"x": box["width"] - (x1 + x2) / 2, "y": (y1 + y2) / 2})
    live.wait_until(lambda: name.inner_text() == "Selected face", "a selected face")


def test_hidden_page_is_paused(live):
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    live.page.evaluate(hide, True)
    assert live.state == "paused"
    live.page.wait_for_timeout(300)
    frames = live.frames_sent
    live.page.wait_for_timeout(700)
    assert live.frames_sent == frames
    live.page.evaluate(hide, False)
    live.wait_for_state("running")


def test_blocked_page_resumes(live):
    # Longer than the kernel timeout: the time in which the page itself was blocked does not count.
    live.page.evaluate("() => { const end = performance.now() + 9500; while (performance.now() < end); }")
    results = live.results
    live.wait_for_results(results + 10)
    assert live.state in ("running", "no-face")
