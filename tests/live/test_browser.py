"""The page as its visitors meet it: a real server, a real browser, a camera whose truth is known."""

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
from fer_lib.live.session.states import STATES
from harness.browser import TIMEOUT_S, LivePage, open_browser
from harness.servers import NOTEBOOK, ROOT, serve_jupyter, serve_voila
from harness.synthetic_camera import FRAMES, draw_frame, face_box, write_clip

from .conftest import INSECURE_HOST, kill_kernel

# A busy machine may need a minute for a page; the waiting itself ends as soon as there is something to see.
pytestmark = pytest.mark.timeout(900)

PHASES = 6
BUSY_CAMERA = """
  navigator.mediaDevices.getUserMedia = () =>
    Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
"""


@pytest.fixture
def open_page(playwright: Playwright, chromium: str, voila: str) -> Iterator[Callable[..., LivePage]]:
    """Open the page in a browser of its own: `open_page(clip, allow, options, url, script)`."""
    with ExitStack() as stack:

        def open_page(url: str = voila, script: str = "", **browser: Any) -> LivePage:
            chosen = stack.enter_context(open_browser(playwright, chromium, **browser))
            page = LivePage(chosen, url, script)
            page.wait_until_ready()
            return page

        yield open_page


def wait_for_a_round(page: LivePage) -> list[list[float]]:
    """Watch the face go round once; return the IoU of box and truth at every result, by phase of the round."""
    phases: list[list[float]] = [[] for _ in range(PHASES)]

    def look() -> bool:
        for result in page.pop_results():
            if 0 <= result["frame"] < FRAMES and result["faces"]:
                boxes = np.array([face["xyxy"] for face in result["faces"]], np.float32)
                truth = face_box(result["frame"])[None]
                phases[result["frame"] * PHASES // FRAMES].append(float(overlap(boxes, truth).max()))
        return all(len(phase) >= 5 for phase in phases)

    page.wait_until(look, "results in every phase of the round")
    return phases


def assert_shows_a_face(page: LivePage) -> None:
    page.press("Start")
    page.wait_for_state("running")
    page.wait_for_results(5)
    (face,) = page.faces
    assert face["label"] in EMOTIONS
    assert page.external_urls == []


def test_page_before_start(page):
    assert page.page.locator("html").get_attribute("lang") == "en"
    assert page.page.title() == "What do the faces in view show?"
    assert page.status == STATES["ready"]
    assert page.page.get_by_role("heading", level=1).inner_text().endswith("?")
    assert page.page.get_by_role("button", name="Stop", exact=True).is_disabled()
    assert page.page.get_by_text("nothing is stored").is_visible()
    assert page.page.get_by_text("An expression is not an emotion").is_visible()
    assert page.page.get_by_role("meter").count() == len(EMOTIONS)


@pytest.mark.parametrize("path", ["04_live.ipynb", "picture.png", "../README.md"])
def test_files_beside_the_page_are_not_served(voila, path):
    with pytest.raises(HTTPError, match=r"40[34]"):
        urlopen(f"{voila}voila/files/{path}")


def test_live_view_keeps_its_place(page):
    stage = page.page.locator(".fer-stage")
    places = [stage.bounding_box()]
    page.press("Start")
    page.wait_for_state("running")
    places.append(stage.bounding_box())
    page.press("Stop")
    places.append(stage.bounding_box())
    assert places[0] == places[1] == places[2]


@pytest.mark.parametrize("width", [320, 390, 700, 1280, 1920])
def test_page_fits_its_window(browser, voila, width):
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
    phases = wait_for_a_round(live)
    assert all(np.median(phase) >= 0.5 for phase in phases), [np.median(phase) for phase in phases]
    # The truth moves by more than a face's width, so that no box that stands still could pass.
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


def test_overlay_is_drawn_where_the_face_is(live):
    drawn = """() => {
      const root = document.querySelector(".fer-live"), canvas = root.querySelector("canvas");
      const [x1, y1, x2, y2] = JSON.parse(root.dataset.faces)[0].xyxy.map((v) => v * canvas.width / 640);
      const alpha = (x, y) => canvas.getContext("2d").getImageData(canvas.width - x, y, 1, 1).data[3];
      const y = (y1 + y2) / 2;
      return [alpha(x1, y), alpha(x2, y), alpha((x1 + x2) / 2, y)].map(Boolean);
    }"""
    assert live.page.evaluate(drawn) == [True, True, False]


def test_pace_is_shown(live):
    live.wait_until(
        lambda: "results per second" in live.page.locator(".fer-throughput").inner_text(), "a measured throughput"
    )


def test_nothing_from_elsewhere_and_no_complaints(live):
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


def test_start_works_again_after_stop(live):
    for _ in range(2):
        live.press("Stop")
        live.press("Start")
        live.wait_for_state("running")
        live.wait_for_results(5)
        assert live.live_tracks() == 1


def test_stop_before_the_permission(open_page, clip):
    slow = """
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wishes) =>
        new Promise((done) => { window.ferAllow = () => done(open(wishes)); });
    """
    page = open_page(clip=clip, script=slow)
    page.press("Start")
    page.wait_for_state("waiting")
    page.press("Stop")
    assert page.state == "stopped"
    page.page.evaluate("() => window.ferAllow()")
    page.wait_until(lambda: page.tracks() == 1 and page.live_tracks() == 0, "a camera given back at once")
    assert page.state == "stopped"


def test_keyboard_alone(page):
    page.page.locator(".fer-start").focus()
    page.page.keyboard.press("Enter")
    page.wait_for_state("running")
    assert page.page.evaluate("() => document.activeElement.textContent") == "Stop"
    page.page.keyboard.press("Enter")
    assert page.state == "stopped"
    assert page.page.evaluate("() => document.activeElement.textContent") == "Start"


def test_choosing_a_face(live):
    who = live.page.locator(".fer-who")
    canvas = live.page.locator(".fer-overlay")
    canvas.press("ArrowRight")
    live.wait_until(lambda: who.inner_text() == "The face you chose", "a chosen face")
    canvas.press("Escape")
    live.wait_until(lambda: who.inner_text() == "Largest face", "the largest face")
    place = canvas.bounding_box()
    x1, y1, x2, y2 = (value * place["width"] / 640 for value in live.faces[0]["xyxy"])
    # The page is a mirror: what is left in the frame is right on the screen.
    canvas.click(position={"x": place["width"] - (x1 + x2) / 2, "y": (y1 + y2) / 2})
    live.wait_until(lambda: who.inner_text() == "The face you chose", "a chosen face")


def test_hidden_page_pauses(live):
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


def test_a_page_that_stood_still_goes_on(live):
    # Longer than the kernel may be silent: answers that could not be heard are no silence.
    live.page.evaluate("() => { const end = performance.now() + 9500; while (performance.now() < end); }")
    results = live.results
    live.wait_for_results(results + 10)
    assert live.state in ("running", "no-face")


def test_refused_permission_is_told(open_page, clip):
    page = open_page(clip=clip, allow=False)
    page.press("Start")
    page.wait_for_state("refused")
    assert page.status == STATES["refused"]
    assert page.tracks() == 0
    assert page.page.get_by_role("button", name="Start", exact=True).is_enabled()


def test_no_camera_is_told(open_page):
    page = open_page()
    page.press("Start")
    page.wait_for_state("no-camera")
    assert page.status == STATES["no-camera"]


def test_camera_in_use_is_told(open_page, clip):
    page = open_page(clip=clip, script=BUSY_CAMERA)
    page.press("Start")
    page.wait_for_state("in-use")
    assert page.status == STATES["in-use"]


def test_insecure_page_is_told(open_page, voila, clip):
    options = (f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",)
    page = open_page(voila.replace("localhost", INSECURE_HOST), clip=clip, options=options)
    page.press("Start")
    page.wait_for_state("insecure")
    assert page.status == STATES["insecure"]


def test_no_face_in_view_is_told(open_page, tmp_path):
    page = open_page(clip=write_clip(tmp_path / "empty.y4m", with_face=False, frames=30))
    page.press("Start")
    page.wait_for_state("no-face")
    assert page.status == STATES["no-face"]
    assert page.live_tracks() == 1


def test_camera_pulled_out_is_told(live):
    live.page.evaluate("() => window.ferTracks.forEach((track) => track.dispatchEvent(new Event('ended')))")
    live.wait_for_state("disconnected")
    assert live.status == STATES["disconnected"]
    assert live.live_tracks() == 0


def test_killed_kernel_is_told_and_the_camera_released(live):
    kill_kernel(live)
    live.wait_for_state("kernel-gone")
    assert live.status == STATES["kernel-gone"]
    assert live.live_tracks() == 0


def test_picture_stands_in_for_the_camera(playwright, chromium, tmp_path):
    import cv2

    picture = tmp_path / "portrait.png"
    cv2.imwrite(str(picture), cv2.cvtColor(draw_frame(0), cv2.COLOR_RGB2BGR))
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    (parameters,) = (cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    parameters["source"] = [*parameters["source"], f"\nsource = {str(picture)!r}"]
    path = tmp_path / "live.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with serve_voila(path) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        page.wait_until_ready()
        assert_shows_a_face(page)
        (face,) = page.faces
        assert overlap(np.array([face["xyxy"]], np.float32), face_box(0)[None]).item() >= 0.5


def test_wrong_setting_is_explained_in_the_log_only(playwright, chromium, tmp_path):
    wrong, log = {"FER_TARGET_RATE": "500"}, tmp_path / "log"
    with serve_voila(environment=wrong, log=log) as url, open_browser(playwright, chromium) as browser:
        page = LivePage(browser, url)
        alert = page.page.get_by_role("alert")
        alert.wait_for(timeout=TIMEOUT_S * 1000)
        assert "The page can't be opened" in alert.inner_text()
        assert not any(word in page.page.content() for word in ("Traceback", "TARGET_RATE", "site-packages"))
        assert "`FER_TARGET_RATE` must be a number from 1 to 120" in log.read_text()


def test_leaving_the_page_releases_the_camera(live):
    live.page.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert live.state == "stopped"
    assert live.live_tracks() == 0


def test_voila_within_jupyter_server(browser):
    with serve_jupyter("server") as url:
        page = LivePage(browser, f"{url}voila/render/{NOTEBOOK}")
        try:
            page.wait_until_ready()
            assert_shows_a_face(page)
            assert page.console_errors == []
        finally:
            page.close()


def test_jupyterlab(browser):
    with serve_jupyter("lab") as url:
        page = LivePage(browser, f"{url}lab/tree/{NOTEBOOK}", viewport={"width": 1400, "height": 1600})
        try:
            page.run_all_cells()
            page.wait_until_ready()
            assert_shows_a_face(page)
            page.press("Stop")
            assert page.live_tracks() == 0
        finally:
            page.close()
