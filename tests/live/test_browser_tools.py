"""End-to-end tests of the tools: recording, preferences, snapshot, timeline, diagnostics."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.recording import read_recording
from harness.browser import LivePage, open_browser

from .conftest import kill_kernel

pytestmark = pytest.mark.timeout(900)

WIDTHS = (320, 390, 700, 1280)


@pytest.fixture
def page(page: LivePage) -> Iterator[LivePage]:
    yield page
    assert page.console_errors == []
    assert page.external_urls == []


def set_preference(page: LivePage, name: str, value: float) -> None:
    """Move a slider."""
    page.page.locator(f"[data-preference={name}]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def record(live: LivePage, results: int) -> None:
    live.press("Record")
    live.page.locator(".fer-mark-record").wait_for()
    live.wait_for_results(live.results + results)
    live.press("Record")
    live.page.locator(".fer-summary").wait_for()


def test_recording_summary(live):
    mark = live.page.locator(".fer-mark-record")
    assert not mark.is_visible()
    live.press("Record")
    mark.wait_for()
    assert live.page.get_by_role("button", name="Record", exact=True).get_attribute("aria-pressed") == "true"
    live.wait_until(lambda: re.fullmatch(r"Rec 0:0[1-9]", mark.inner_text()) is not None, "a second of recording")
    live.press("Record")
    live.page.locator(".fer-summary").wait_for()
    assert not mark.is_visible()
    assert re.match(r"Recorded 0:\d\d · \d+ rows", live.page.locator(".fer-summary-head").inner_text())
    assert any(label in live.page.locator(".fer-share-words").first.inner_text() for label in EMOTIONS)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_recording_download(live, tmp_path, kind):
    record(live, 20)
    with live.page.expect_download() as waiting:
        live.press(f"Download {kind.upper()}")
    assert re.fullmatch(rf"emotions-[\d-]+\.{kind}", waiting.value.suggested_filename)
    waiting.value.save_as(path := tmp_path / f"recording.{kind}")
    table = read_recording(path)
    assert table["frame"].nunique() >= 20
    assert table["time_s"].is_monotonic_increasing
    steps = table["time_s"].drop_duplicates().diff().dropna()
    assert 0 < steps.median() < 1
    seen = table.dropna(subset="track_id")
    assert len(seen) > 0
    assert seen[[f"smooth_{label}" for label in EMOTIONS]].sum(axis=1).between(0.99, 1.01).all()
    assert seen["label"].isin(EMOTIONS).all()


def test_stop_ends_the_recording_and_delete(live):
    live.press("Record")
    live.page.locator(".fer-mark-record").wait_for()
    live.wait_for_results(live.results + 5)
    live.press("Stop")
    live.page.locator(".fer-summary").wait_for()
    assert not live.page.locator(".fer-mark-record").is_visible()
    assert live.page.get_by_role("button", name="Record", exact=True).is_disabled()
    live.press("Delete recording")
    live.page.locator(".fer-summary").wait_for(state="hidden")


def test_smoothing_is_sent_to_the_kernel(live):
    live.press("More")
    set_preference(live, "smoothing_s", 0)
    live.press("Record")
    live.wait_for_results(live.results + 20)
    live.press("Record")
    with live.page.expect_download() as waiting:
        live.press("Download JSON")
    frames = json.loads(Path(waiting.value.path()).read_text())["frames"]
    last = [face for frame in frames[5:] for face in frame["faces"]]
    assert last
    assert all(face["raw_probabilities"] == pytest.approx(face["probabilities"], abs=2e-4) for face in last)


def test_select_camera(playwright, chromium, voila):
    two = ("--use-fake-device-for-media-stream=device-count=2",)
    opened_device = "() => document.querySelector('.fer-video').srcObject?.getVideoTracks()[0].getSettings().deviceId"
    with open_browser(playwright, chromium, options=two) as browser:
        page = LivePage(browser, voila)
        page.wait_until_ready()
        select = page.page.locator(".fer-camera")
        page.press("More")
        assert select.is_disabled()
        page.press("Start")
        page.wait_for_state("running", "no-face")
        page.wait_until(select.is_enabled, "a choice of cameras")
        first = page.page.evaluate(opened_device)
        other = next(
            value
            for value in select.locator("option").evaluate_all("(all) => all.map((one) => one.value)")
            if value not in ("", first)
        )
        select.select_option(other)
        page.wait_until(lambda: page.page.evaluate(opened_device) == other, "the other camera")
        page.wait_for_state("running", "no-face")
        assert page.live_tracks() == 1
        page.page.goto(voila)
        page.wait_until_ready()
        page.press("Start")
        page.wait_for_state("running", "no-face")
        assert page.page.evaluate(opened_device) == other


def test_mirror(live):
    assert live.page.locator(".fer-live").get_attribute("data-mirror") is not None
    live.press("More")
    live.page.get_by_label("Mirror the camera").uncheck()
    assert live.page.locator(".fer-live").get_attribute("data-mirror") is None


def test_preferences_are_stored(live, voila):
    live.press("More")
    set_preference(live, "uncertain_below", 0.7)
    set_preference(live, "smoothing_s", 1.5)
    live.page.get_by_label("Mirror the camera").uncheck()
    live.page.goto(voila)
    live.wait_until_ready()
    live.press("More")
    live.console_errors.clear()  # Voila's request to shut down the former kernel may be refused
    values = live.page.locator(".fer-preference input").evaluate_all("(all) => all.map((one) => one.value)")
    assert values[:2] == ["0.7", "1.5"]
    assert not live.page.get_by_label("Mirror the camera").is_checked()


@pytest.mark.parametrize(
    "stored", ["invalid", "[]", '{"uncertain_below": 7, "smoothing_s": "1", "__proto__": 1}', "null"]
)
def test_invalid_stored_preferences(browser, voila, stored):
    page = LivePage(browser, voila, f"localStorage.setItem('fer-live', {stored!r})")
    try:
        page.wait_until_ready()
        page.press("More")
        values = page.page.locator(".fer-preference input").evaluate_all("(all) => all.map((one) => one.value)")
        assert values[:2] == ["0.5", "0.25"]
        assert page.console_errors == []
    finally:
        page.close()


def test_timeline_is_drawn(live):
    painted = """() => {
      const canvas = document.querySelector(".fer-timeline canvas");
      const y = canvas.height / 2, pixel = (x) => canvas.getContext("2d").getImageData(x, y, 1, 1).data[3];
      return [pixel(2), pixel(canvas.width - 2)];
    }"""
    live.wait_until(lambda: live.page.evaluate(painted) == [0, 255], "a column at the right end of the timeline")
    assert "mostly" in live.page.locator(".fer-timeline canvas").get_attribute("aria-label")


def test_snapshot_has_the_size_of_the_video(live, tmp_path):
    with live.page.expect_download() as waiting:
        live.press("Snapshot")
    data = Path(waiting.value.path()).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (640, 480)
    assert re.fullmatch(r"face-[\d-]+\.png", waiting.value.suggested_filename)


def test_full_screen(live):
    live.press("Full screen")
    live.wait_until(lambda: live.page.evaluate("() => Boolean(document.fullscreenElement)"), "full screen")
    live.press("Exit full screen")
    live.wait_until(lambda: not live.page.evaluate("() => Boolean(document.fullscreenElement)"), "the page again")
    assert live.state == "running"


def test_diagnostics(live):
    live.page.context.grant_permissions(["camera", "clipboard-read", "clipboard-write"])
    live.press("More")
    live.page.locator(".fer-diagnostics summary").click()
    report = live.page.locator(".fer-diagnostics dl")
    live.wait_until(lambda: "SHA-256" in report.inner_text(), "the diagnostics of the kernel")
    measured = r"Results per second\s+\d.*Round trip\s+\d.*total \d"
    live.wait_until(lambda: re.search(measured, report.inner_text(), re.DOTALL) is not None, "measured times")
    live.press("Copy for a bug report")
    live.wait_until(
        lambda: "Secure page: yes" in live.page.evaluate("() => navigator.clipboard.readText()"), "a copied report"
    )
    text = live.page.evaluate("() => navigator.clipboard.readText()")
    assert re.search(r"Video: 640 × 480, 30 frames per second", text)
    assert re.search(r"Results per second: \d", text)
    assert "onnxruntime" in text


def test_keyboard_reaches_every_tool(live):
    live.page.locator(".fer-overlay").focus()
    reached = []
    for _ in range(12):
        live.page.keyboard.press("Tab")
        reached.append(
            live.page.evaluate("() => document.activeElement.textContent.trim() || document.activeElement.type")
        )
    assert {"Stop", "Record", "Snapshot", "Full screen", "More"} <= set(reached)
    live.page.locator(".fer-more").focus()
    live.page.keyboard.press("Enter")
    live.page.keyboard.press("Tab")
    assert live.page.evaluate("() => document.activeElement.dataset.preference") == "uncertain_below"
    before = live.page.locator("[data-preference=uncertain_below]").input_value()
    live.page.keyboard.press("ArrowRight")
    assert live.page.locator("[data-preference=uncertain_below]").input_value() != before


@pytest.mark.parametrize("width", WIDTHS)
def test_open_panels_fit_the_window(browser, voila, width):
    page = LivePage(browser, voila, viewport={"width": width, "height": 900})
    try:
        page.wait_until_ready()
        page.press("Start")
        page.wait_for_state("running")
        stage = page.page.locator(".fer-stage")
        before = stage.bounding_box()
        page.press("More")
        page.page.locator(".fer-diagnostics summary").click()
        record(page, 5)
        page.wait_until(
            lambda: "SHA-256" in page.page.locator(".fer-diagnostics dl").inner_text(), "the diagnostics of the kernel"
        )
        assert page.page.evaluate("() => document.documentElement.scrollWidth") == width
        page.page.evaluate("() => window.scrollTo(0, 0)")
        assert stage.bounding_box() == before
    finally:
        page.close()


def test_controls_have_accessible_names(page):
    page.press("More")
    page.page.locator(".fer-diagnostics summary").click()
    unnamed = page.page.evaluate("""() => [...document.querySelectorAll(".fer-live :is(button, input, canvas, [role])")]
      .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.[0]?.textContent.trim()))
      .filter((one) => one.checkVisibility() && one.getAttribute("role") !== "status")
      .map((one) => one.outerHTML)""")
    assert unnamed == []


def test_recording_lost_with_the_kernel(live):
    record(live, 5)
    kill_kernel(live)
    live.wait_for_state("kernel-ended")
    live.page.locator(".fer-summary").wait_for(state="hidden")
    assert "lost with the kernel" in live.page.locator(".fer-toast").inner_text()
    live.console_errors.clear()  # Voila logs an error when a kernel dies
