"""End-to-end tests of the live page: Voila, Chromium, and a synthetic camera with known face boxes."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest
from playwright.sync_api import Playwright

from fer_lib.boxes import overlap
from fer_lib.labels import EMOTIONS
from fer_lib.live.page.panel import LIMITS, PRIVACY
from fer_lib.live.session.states import STATES
from harness.browser import PATIENCE_S, LivePage, open_browser
from harness.servers import NOTEBOOK, ROOT, serve_jupyter, serve_voila
from harness.synthetic_camera import FRAMES, draw_frame, face_box, write_clip

from .conftest import INSECURE_HOST, kill_kernel

# A busy machine may need a minute to load a page; waits end as soon as their condition holds.
pytestmark = pytest.mark.timeout(900)

PHASES = 6
BUSY_CAMERA = """
  navigator.mediaDevices.getUserMedia = () =>
    Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
"""


@pytest.fixture
def open_page(playwright: Playwright, chromium: str, voila: str) -> Iterator[Callable[..., LivePage]]:
    """Return a function that opens the page in a separate browser: `open_page(url, script, clip, allow, options)`."""
    with ExitStack() as stack:

        def open_page(url: str = voila, script: str = "", **browser: Any) -> LivePage:
            opened = stack.enter_context(open_browser(playwright, chromium, **browser))
            page = LivePage(opened, url, script)
            page.wait_until_ready()
            return page

        yield open_page


def collect_ious(page: LivePage) -> list[list[float]]:
    """Collect the IoU of detected and true box of every result over one round of the face; return them by phase."""
    phases: list[list[float]] = [[] for _ in range(PHASES)]

    def has_every_phase() -> bool:
        for result in page.noted():
            if 0 <= result["frame"] < FRAMES and result["faces"]:
                boxes = np.array([face["xyxy"] for face in result["faces"]], np.float32)
                truth = face_box(result["frame"])[None]
                phases[result["frame"] * PHASES // FRAMES].append(float(overlap(boxes, truth).max()))
        return all(len(phase) >= 5 for phase in phases)

    page.wait_until(has_every_phase, "results in every phase of the round")
    return phases


def assert_recognizes_a_face(page: LivePage) -> None:
    page.press("Start")
    page.wait_for_state("running")
    page.wait_for_results(5)
    (face,) = page.faces
    assert face["label"] in EMOTIONS
    assert page.strangers == []


def test_page_before_start(page):
    assert page.page.locator("html").get_attribute("lang") == "en"
    assert page.page.title() == "What do the faces in view show?"
    assert page.status == STATES["ready"]
    assert page.page.get_by_role("heading", level=1).inner_text().endswith("?")
    assert page.page.get_by_role("button", name="Stop", exact=True).is_disabled()
    assert page.page.get_by_text(PRIVACY).is_visible()
    assert page.page.get_by_text(LIMITS).is_visible()
    assert page.page.get_by_role("meter").count() == len(EMOTIONS)


@pytest.mark.parametrize("path", ["04_live.ipynb", "image.png", "../README.md"])
def test_other_files_are_not_served(voila, path):
    with pytest.raises(HTTPError, match=r"40[34]"):
        urlopen(f"{voila}voila/files/{path}")


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
    live.listen()
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
    assert live.strangers == []
    assert live.complaints == []


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


def test_stop_before_permission(open_page, clip):
    slow = """
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (constraints) =>
        new Promise((done) => { window.ferAllow = () => done(open(constraints)); });
    """
    page = open_page(clip=clip, script=slow)
    page.press("Start")
    page.wait_for_state("waiting")
    page.press("Stop")
    assert page.state == "stopped"
    page.page.evaluate("() => window.ferAllow()")
    page.wait_until(lambda: page.tracks() == 1 and page.live_tracks() == 0, "a released camera")
    assert page.state == "stopped"


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


def test_permission_refused(open_page, clip):
    page = open_page(clip=clip, allow=False)
    page.press("Start")
    page.wait_for_state("refused")
    assert page.status == STATES["refused"]
    assert page.tracks() == 0
    assert page.page.get_by_role("button", name="Start", exact=True).is_enabled()


def test_no_camera(open_page):
    page = open_page()
    page.press("Start")
    page.wait_for_state("no-camera")
    assert page.status == STATES["no-camera"]


def test_camera_in_use(open_page, clip):
    page = open_page(clip=clip, script=BUSY_CAMERA)
    page.press("Start")
    page.wait_for_state("in-use")
    assert page.status == STATES["in-use"]


def test_insecure_page(open_page, voila, clip):
    options = (f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",)
    page = open_page(voila.replace("localhost", INSECURE_HOST), clip=clip, options=options)
    page.press("Start")
    page.wait_for_state("insecure")
    assert page.status == STATES["insecure"]


def test_no_face_in_view(open_page, tmp_path):
    page = open_page(clip=write_clip(tmp_path / "empty.y4m", with_face=False, frames=30))
    page.press("Start")
    page.wait_for_state("no-face")
    assert page.status == STATES["no-face"]
    assert page.live_tracks() == 1


def test_camera_disconnected(live):
    live.page.evaluate("() => window.ferTracks.forEach((track) => track.dispatchEvent(new Event('ended')))")
    live.wait_for_state("disconnected")
    assert live.status == STATES["disconnected"]
    assert live.live_tracks() == 0


def test_killed_kernel_releases_the_camera(live):
    kill_kernel(live)
    live.wait_for_state("kernel-ended")
    assert live.status == STATES["kernel-ended"]
    assert live.live_tracks() == 0


def test_image_as_source(playwright, chromium, tmp_path):
    import cv2

    image = tmp_path / "portrait.png"
    cv2.imwrite(str(image), cv2.cvtColor(draw_frame(0), cv2.COLOR_RGB2BGR))
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    (parameters,) = (cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    parameters["source"] = [*parameters["source"], f"\nsource = {str(image)!r}"]
    path = tmp_path / "live.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with serve_voila(path) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        page.wait_until_ready()
        assert_recognizes_a_face(page)
        (face,) = page.faces
        assert overlap(np.array([face["xyxy"]], np.float32), face_box(0)[None]).item() >= 0.5


def test_invalid_setting_is_reported_in_the_log_only(playwright, chromium, tmp_path):
    environment, log = {"FER_TARGET_RATE": "500"}, tmp_path / "log"
    with serve_voila(environment=environment, log=log) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        alert = page.page.get_by_role("alert")
        alert.wait_for(timeout=PATIENCE_S * 1000)
        assert "The page can't be opened" in alert.inner_text()
        assert not any(word in page.page.content() for word in ("Traceback", "TARGET_RATE", "site-packages"))
        assert "`FER_TARGET_RATE` must be a number from 1 to 120" in log.read_text()


def test_pagehide_releases_the_camera(live):
    live.page.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert live.state == "stopped"
    assert live.live_tracks() == 0


def test_voila_in_jupyter_server(browser):
    with serve_jupyter("server") as url:
        page = LivePage(browser, f"{url}voila/render/{NOTEBOOK}")
        try:
            page.wait_until_ready()
            assert_recognizes_a_face(page)
            assert page.complaints == []
        finally:
            page.close()


def test_jupyterlab(browser):
    with serve_jupyter("lab") as url:
        page = LivePage(browser, f"{url}lab/tree/{NOTEBOOK}", viewport={"width": 1400, "height": 1600})
        try:
            page.run_all_cells()
            page.wait_until_ready()
            assert_recognizes_a_face(page)
            page.press("Stop")
            assert page.live_tracks() == 0
        finally:
            page.close()
