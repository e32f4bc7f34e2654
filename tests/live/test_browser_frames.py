"""Frames come from the camera's track where that is possible, with the time at which they were taken."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from fer_lib.live.page.live_view import FOLDER

pytestmark = pytest.mark.timeout(900)

PAGE = "http://localhost/"  # a page of our own may use the camera there
ENOUGH = 90  # frames after which nothing new is expected
LOOK_ON = """async () => {
  const [video] = document.getElementsByTagName("video");
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  video.srcObject = media;
  await video.play();
  const given = [];
  const shown = [];
  const look = (now, frame) => {
    shown.push({ now, takenAt: frame.captureTime });
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  const give = (image, takenAt) =>
    given.push({ fromTrack: image !== video, now: performance.now(), takenAt, isSure: frames.clock.isSynchronized });
  const frames = new FrameReader(video, give);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  frames.start();
  for (let i = 0; i < 600 && given.filter(({ isSure }) => isSure).length < 30 && given.length < ENOUGH; i++) await wait(50);
  frames.stop();
  await wait(100);
  const before = given.length;
  await wait(300);
  const after = given.length;
  media.getTracks().forEach((track) => track.stop());
  return { given, shown, before, after };
}""".replace("ENOUGH", str(ENOUGH))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.route(PAGE, lambda route: route.fulfill(body="<video muted></video>", content_type="text/html"))
    page.goto(PAGE)
    for name in ("throughput.js", "frame_reader.js"):
        page.add_script_tag(content=(FOLDER / name).read_text(encoding="utf-8"))
    yield page
    page.context.close()


def test_frames_of_the_track_carry_the_time_at_which_they_were_taken(page):
    seen = page.evaluate(LOOK_ON)
    read = [one for one in seen["given"] if one["fromTrack"]]
    sure = np.array([one["takenAt"] for one in read if one["isSure"]])
    assert len(sure) >= 30
    assert all(one["takenAt"] <= one["now"] for one in read)
    shown = np.array([one["takenAt"] for one in seen["shown"]])
    shown = shown[(shown >= sure[0]) & (shown <= sure[-1])]
    assert len(shown) >= 10
    assert np.median(np.abs(shown[:, None] - sure).min(axis=1)) < 0.5  # ms


def test_frames_stop_when_told(page):
    seen = page.evaluate(LOOK_ON)
    assert seen["after"] == seen["before"] > 0


def test_frames_without_a_reader_come_from_the_video(page):
    page.evaluate("() => { delete window.MediaStreamTrackProcessor; }")
    assert_all_come_from_the_video(page.evaluate(LOOK_ON))


def test_frames_of_a_reader_that_fails_come_from_the_video(page):
    page.evaluate("""() => {
      window.MediaStreamTrackProcessor = class {
        readable = new ReadableStream({ start: (frames) => frames.error(new Error("no")) });
      };
    }""")
    assert_all_come_from_the_video(page.evaluate(LOOK_ON))


def assert_all_come_from_the_video(seen):
    """Check that every frame that the video showed was given once."""
    assert not any(one["fromTrack"] for one in seen["given"])
    given = [one["takenAt"] for one in seen["given"]]
    assert len(given) >= ENOUGH
    assert len(set(given)) == len(given)
    assert len(set(given) & {one["takenAt"] for one in seen["shown"]}) > len(given) - 10
