"""Frame reader in a browser: frames come from the camera's track where possible, with their capture times."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from fer_lib.live.page.live_view import FOLDER

pytestmark = pytest.mark.timeout(900)

PAGE = "http://localhost/"  # a secure context, in which the camera is allowed
SCRIPTS = ("transport/throughput.js", "camera/frame_reader.js")
MAX_FRAMES = 90
# Reads frames until 30 are synchronized or there are MAX_FRAMES; `displayed` are the video frames for comparison.
READ_FRAMES = """async () => {
  const [video] = document.getElementsByTagName("video");
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  video.srcObject = media;
  await video.play();
  const frames = [];
  const displayed = [];
  const addDisplayed = (now, frame) => {
    displayed.push({ now, capturedAt: frame.captureTime });
    video.requestVideoFrameCallback(addDisplayed);
  };
  video.requestVideoFrameCallback(addDisplayed);
  const addFrame = (image, capturedAt) =>
    frames.push({ fromTrack: image !== video, now: performance.now(), capturedAt, isSynchronized: reader.clock.isSynchronized });
  const reader = new FrameReader(video, addFrame);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const isDone = () => frames.filter(({ isSynchronized }) => isSynchronized).length >= 30 || frames.length >= MAX_FRAMES;
  reader.start();
  for (let i = 0; i < 600 && !isDone(); i++) await wait(50);
  reader.stop();
  await wait(100);
  const atStop = frames.length;
  await wait(300);
  const afterStop = frames.length;
  media.getTracks().forEach((track) => track.stop());
  return { frames, displayed, atStop, afterStop };
}""".replace("MAX_FRAMES", str(MAX_FRAMES))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.route(PAGE, lambda route: route.fulfill(body="<video muted></video>", content_type="text/html"))
    page.goto(PAGE)
    for name in SCRIPTS:
        page.add_script_tag(content=(FOLDER / "scripts" / name).read_text(encoding="utf-8"))
    yield page
    page.context.close()


def test_frame_reader_capture_times(page):
    read = page.evaluate(READ_FRAMES)
    from_track = [frame for frame in read["frames"] if frame["fromTrack"]]
    synchronized = np.array([frame["capturedAt"] for frame in from_track if frame["isSynchronized"]])
    assert len(synchronized) >= 30
    assert all(frame["capturedAt"] <= frame["now"] for frame in from_track)
    displayed = np.array([frame["capturedAt"] for frame in read["displayed"]])
    displayed = displayed[(displayed >= synchronized[0]) & (displayed <= synchronized[-1])]
    assert len(displayed) >= 10
    assert np.median(np.abs(displayed[:, None] - synchronized).min(axis=1)) < 0.5  # ms


def test_frame_reader_stop(page):
    read = page.evaluate(READ_FRAMES)
    assert read["afterStop"] == read["atStop"] > 0


def test_frame_reader_without_track_processor(page):
    page.evaluate("() => { delete window.MediaStreamTrackProcessor; }")
    assert_frames_come_from_the_video(page.evaluate(READ_FRAMES))


def test_frame_reader_failing_track_processor(page):
    page.evaluate("""() => {
      window.MediaStreamTrackProcessor = class {
        readable = new ReadableStream({ start: (frames) => frames.error(new Error("no")) });
      };
    }""")
    assert_frames_come_from_the_video(page.evaluate(READ_FRAMES))


def assert_frames_come_from_the_video(read: dict[str, Any]) -> None:
    """Check that every displayed video frame was read once."""
    assert not any(frame["fromTrack"] for frame in read["frames"])
    times = [frame["capturedAt"] for frame in read["frames"]]
    assert len(times) >= MAX_FRAMES
    assert len(set(times)) == len(times)
    assert len(set(times) & {frame["capturedAt"] for frame in read["displayed"]}) > len(times) - 10
