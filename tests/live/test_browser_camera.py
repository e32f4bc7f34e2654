"""End-to-end tests of the camera: permission, errors, and its release."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Playwright

from fer_lib.live.session.states import STATES
from harness.browser import LivePage, open_browser
from harness.synthetic_camera import write_clip

from .conftest import INSECURE_HOST, kill_kernel

pytestmark = pytest.mark.timeout(900)

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


def test_pagehide_releases_the_camera(live):
    live.page.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert live.state == "stopped"
    assert live.live_tracks() == 0
