"""The live page on a bad connection, after a restart of its server, and in two tabs."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from fer_lib.live.session.states import STATES
from harness.browser import LivePage
from harness.network_proxy import Proxy, open_proxy
from harness.servers import find_port, serve_voila
from stress.connection import MAX_IN_FLIGHT, cut, slow, start_stream, suspend

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def network(voila: str) -> Iterator[Proxy]:
    with open_proxy(voila) as network:
        yield network


@pytest.fixture
def live(browser: Browser, network: Proxy) -> Iterator[LivePage]:
    """The live page, with a face in view, behind a network proxy."""
    page = LivePage(browser, network.url)
    try:
        yield start_stream(page)
    finally:
        page.close()


def test_short_cut_recovers(live, network):
    found = cut(live, network, 1)
    assert found["clicks"] == 0
    assert found["under_way"] <= 2
    assert live.live_tracks() == 1


def test_long_cut_releases_the_camera_until_start(live, network):
    network.cut()
    live.wait_for_state("no-reply")
    assert live.status == STATES["no-reply"]
    live.wait_for_state("offline")
    assert live.status == STATES["offline"]
    assert live.live_tracks() == 0
    frames = live.frames_sent
    network.restore()
    live.wait_for_state("reconnected")
    assert live.status == STATES["reconnected"]
    assert live.live_tracks() == 0, "the camera is opened only by the visitor"
    assert live.frames_sent == frames
    live.press("Start")
    live.wait_for_state("running")
    live.wait_for_results(5)


def test_start_while_the_server_is_unreachable(live, network):
    live.press("Stop")
    network.cut()
    live.page.wait_for_timeout(500)
    live.press("Start")
    live.wait_for_state("offline")
    assert live.live_tracks() == 0
    assert live.tracks() == 1, "the camera is not opened a second time"


def test_slow_network_limits_frames_in_flight(live, network):
    found = slow(live, network, delay_s=0.2, bytes_per_s=16_000, seconds=6, wanted=3)
    assert found["under_way"] <= MAX_IN_FLIGHT
    assert found["clicks"] == 0


def test_resume_after_suspend(live, network):
    assert suspend(live, network, 9)["clicks"] <= 1


def test_restarted_server_needs_a_reload(browser):
    port = find_port()
    with ExitStack() as stack:
        with serve_voila(port=port) as url:
            page = LivePage(browser, url)
            stack.callback(page.close)
            start_stream(page)
        page.wait_for_state("no-reply", "offline")
        stack.enter_context(serve_voila(port=port))
        page.wait_for_state("kernel-ended")
        assert page.live_tracks() == 0
        assert page.page.get_by_role("button", name="Start", exact=True).count() == 0
        page.press("Reload")
        page.wait_until(lambda: page.page.locator(".fer-live[data-state='ready']").count() == 1, "a page that is ready")
        start_stream(page)


def test_two_tabs_are_independent(browser, voila):
    with ExitStack() as stack:
        first = LivePage(browser, voila)
        stack.callback(first.close)
        second = LivePage(browser, voila, beside=first)
        start_stream(first)
        start_stream(second)
        assert kernel_id(first) != kernel_id(second)
        results = first.results
        first.wait_for_results(results + 5)
        second.close()
        results = first.results
        first.wait_for_results(results + 10)
        assert first.state in ("running", "no-face")


def kernel_id(page: LivePage) -> str:
    return str(json.loads(page.page.locator("#jupyter-config-data").text_content() or "{}")["kernelId"])
