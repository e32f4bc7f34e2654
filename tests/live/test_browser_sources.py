"""End-to-end tests of sources other than the camera: photos, videos, the demo, and unreadable files."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from factories import compose_frame
from playwright.sync_api import Browser, Playwright

from fer_lib.labels import EMOTIONS
from fer_lib.live.session.states import STATES
from fer_lib.vision import load_pipeline
from harness.browser import LivePage, open_browser
from harness.servers import serve_voila
from harness.synthetic_camera import draw_frame, face_box

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser without a camera."""
    with open_browser(playwright, chromium) as browser:
        yield browser


@pytest.fixture
def page(page: LivePage) -> Iterator[LivePage]:
    yield page
    assert page.external_urls == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    cv2.imwrite(str(path := tmp_path / "portrait.png"), cv2.cvtColor(draw_frame(0), cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    writer = cv2.VideoWriter(str(path := tmp_path / "clip.webm"), cv2.VideoWriter.fourcc(*"VP80"), 30, (640, 480))
    for number in range(60):
        writer.write(cv2.cvtColor(draw_frame(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    frame, _ = compose_frame([(180, 220, 150), (470, 250, 110)])
    cv2.imwrite(str(path := tmp_path / "pair.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return path


def make_uncertain_frame() -> np.ndarray:
    """Cover the mouth or blur the face until the probability of the label is below 0.85."""
    x1, y1, x2, y2 = face_box(0).astype(int)
    pipeline, height = load_pipeline(), y2 - y1
    for share, blur in ((0.62, 0), (0.62, 2), (0.55, 3), (1, 5), (1, 8)):
        frame = cv2.GaussianBlur(draw_frame(0), (0, 0), blur) if blur else draw_frame(0)
        frame[y1 + int(share * height) : y1 + int(0.95 * height), x1 + 10 : x2 - 10] = 140
        faces = pipeline.analyze(frame)
        if len(faces) == 1 and faces.probabilities.max() < 0.85:
            return frame
    return pytest.fail("this test needs a face with a probability below 0.85")


def choose_file(page: LivePage, path: Path) -> None:
    page.page.locator(".fer-file").set_input_files(path)


def assert_recognizes_a_face(page: LivePage, results: int, name: str) -> None:
    page.wait_for_state("running")
    page.wait_for_results(results)
    (face,) = page.faces
    assert face["label"] in EMOTIONS
    assert page.page.locator(".fer-tag").inner_text() == name
    assert page.page.locator(".fer-live").get_attribute("data-mirror") is None
    assert page.console_errors == []


def test_demo_without_a_camera(page):
    page.press("Start")
    page.wait_for_state("no-camera")
    page.press("Demo")
    assert_recognizes_a_face(page, 20, "Demo: a portrait, not your camera")
    page.press("Stop")
    assert page.state == "stopped"
    assert not page.page.locator(".fer-tag").is_visible()


def test_demo_first(browser):
    with serve_voila(environment={"FER_DEMO_FIRST": "true"}) as url:
        page = LivePage(browser, url)
        try:
            assert_recognizes_a_face(page, 5, "Demo: a portrait, not your camera")
            page.press("Stop")
            page.press("Start")
            page.wait_for_state("no-camera")
        finally:
            page.close()


def test_photo(page, photo):
    choose_file(page, photo)
    assert_recognizes_a_face(page, 2, "portrait.png")
    page.press("Stop")


def test_uncertain_label(page, tmp_path):
    cv2.imwrite(str(path := tmp_path / "uncertain.png"), cv2.cvtColor(make_uncertain_frame(), cv2.COLOR_RGB2BGR))
    choose_file(page, path)
    page.wait_for_state("running")
    (face,) = page.faces
    label, threshold = page.page.locator(".fer-label"), page.page.locator("[data-preference=uncertain_below]")
    page.press("More")
    threshold.press("End")
    page.wait_until(lambda: label.inner_text().lower() == "uncertain", "uncertainty")
    threshold.press("Home")
    page.wait_until(lambda: label.inner_text().lower() == face["label"], "the label")


def test_video_is_looped(page, video):
    choose_file(page, video)
    assert_recognizes_a_face(page, 75, "clip.webm")
    assert page.page.evaluate("() => document.querySelector('.fer-video').src").startswith("blob:")
    page.press("Stop")
    assert page.page.evaluate("() => document.querySelector('.fer-video').hasAttribute('src')") is False


def test_change_of_source(page, photo, video):
    choose_file(page, video)
    assert_recognizes_a_face(page, 5, "clip.webm")
    choose_file(page, photo)
    assert_recognizes_a_face(page, 1, "portrait.png")
    page.press("Stop")
    page.press("Demo")
    assert_recognizes_a_face(page, 5, "Demo: a portrait, not your camera")


def test_pasted_photo(page, photo):
    page.page.evaluate(
        """async (bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(photo.read_bytes()),
    )
    assert_recognizes_a_face(page, 1, "image.png")


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("notes.txt", "notes.txt is neither a photo nor a video."),
        ("broken.png", "broken.png is not a photo that this browser can read."),
        ("broken.webm", "broken.webm is not a video that this browser can play."),
    ],
)
def test_unreadable_file(page, tmp_path, name, detail):
    (tmp_path / name).write_bytes(b"neither a photo nor a video")
    choose_file(page, tmp_path / name)
    page.wait_for_state("unreadable")
    assert page.status == STATES["unreadable"].replace("{detail}", detail)
    assert page.page.get_by_role("button", name="Demo", exact=True).is_visible()


def test_demo_by_keyboard(page):
    page.page.locator(".fer-demo").focus()
    page.page.keyboard.press("Enter")
    page.wait_for_state("running")
    assert page.page.evaluate("() => document.activeElement.textContent") == "Stop"


@pytest.mark.parametrize("click", [True, False])
def test_select_one_of_several_faces(page, pair, click):
    choose_file(page, pair)
    page.wait_for_state("running")
    page.wait_until(lambda: len(page.faces) == 2, "two faces")
    name = page.page.locator(".fer-face-name")
    page.wait_until(lambda: name.inner_text() == "Largest of 2 · click a face to select it", "two faces")
    canvas = page.page.locator(".fer-overlay")
    smaller = min(page.faces, key=lambda face: face["xyxy"][2] - face["xyxy"][0])
    box = canvas.bounding_box()
    x1, y1, x2, y2 = (value * box["width"] / 640 for value in smaller["xyxy"])
    middle = {"x": (x1 + x2) / 2, "y": (y1 + y2) / 2}
    if click:
        canvas.click(position=middle)
    else:
        canvas.press("ArrowRight" if x1 < box["width"] / 2 else "ArrowLeft")
    page.wait_until(lambda: name.inner_text() == f"Selected face · Face {smaller['track_id']}", "the smaller face")
    if click:
        canvas.click(position=middle)
    else:
        canvas.press("Escape")
    page.wait_until(lambda: name.inner_text().startswith("Largest of 2"), "the largest face again")
