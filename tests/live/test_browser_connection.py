"""The page over a bad connection, after its server began anew, and in two tabs at once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from fer_lib.live.session.states import STATES
from harness.browser import LivePage
from harness.network_proxy import Proxy, open_proxy
from harness.servers import find_port, serve_voila
from stress.connection import FRAMES_UNDER_WAY, cut, open_page, sleep, slow

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def network(voila: str) -> Iterator[Proxy]:
    with open_proxy(voila) as network:
        yield network


@pytest.fixture
def far(browser: Browser, network: Proxy) -> Iterator[LivePage]:
    """The live page, with faces on it, behind a network that can be made bad."""
    page = LivePage(browser, network.url)
    try:
        yield open_page(page)
    finally:
        page.close()


def test_a_cut_of_a_second_mends_itself(far, network):
    found = cut(far, network, 1)
    assert found["clicks"] == 0
    assert found["under_way"] <= 2
    assert far.live_tracks() == 1


def test_a_long_cut_releases_the_camera_and_one_click_goes_on(far, network):
    network.cut()
    far.wait_for_state("unheard")
    assert far.status == STATES["unheard"]
    far.wait_for_state("offline")
    assert far.status == STATES["offline"]
    assert far.live_tracks() == 0
    frames = far.frames_sent
    network.restore()
    far.wait_for_state("back")
    assert far.status == STATES["back"]
    assert far.live_tracks() == 0, "the camera goes on only when the visitor says so"
    assert far.frames_sent == frames
    far.press("Start")
    far.wait_for_state("running")
    far.wait_for_results(5)


def test_start_while_the_server_is_away(far, network):
    far.press("Stop")
    network.cut()
    far.page.wait_for_timeout(500)
    far.press("Start")
    far.wait_for_state("offline")
    assert far.live_tracks() == 0
    assert far.tracks() == 1, "the camera was not asked for a second time"


def test_a_very_slow_network_is_not_filled_with_frames(far, network):
    found = slow(far, network, delay_s=0.2, bytes_per_s=16_000, seconds=6, wanted=3)
    assert found["under_way"] <= FRAMES_UNDER_WAY
    assert found["clicks"] == 0


def test_a_laptop_that_slept_goes_on(far, network):
    assert sleep(far, network, 9)["clicks"] <= 1


def test_a_server_that_began_anew_needs_one_click(browser):
    port = find_port()
    with ExitStack() as stack:
        with serve_voila(port=port) as url:
            page = LivePage(browser, url)
            stack.callback(page.close)
            open_page(page)
        page.wait_for_state("unheard", "offline")
        stack.enter_context(serve_voila(port=port))
        page.wait_for_state("kernel-gone")
        assert page.live_tracks() == 0
        assert page.page.get_by_role("button", name="Start", exact=True).count() == 0
        page.press("Reload")
        page.wait_until(lambda: page.page.locator(".fer-live[data-state='ready']").count() == 1, "a page that is ready")
        open_page(page)


def test_two_tabs_do_not_disturb_each_other(browser, voila):
    with ExitStack() as stack:
        first = LivePage(browser, voila)
        stack.callback(first.close)
        second = LivePage(browser, voila, beside=first)
        open_page(first)
        open_page(second)
        assert kernel_id(first) != kernel_id(second)
        results = first.results
        first.wait_for_results(results + 5)
        second.close()
        results = first.results
        first.wait_for_results(results + 10)
        assert first.state in ("running", "no-face")


def kernel_id(page: LivePage) -> str:
    return str(json.loads(page.page.locator("#jupyter-config-data").text_content() or "{}")["kernelId"])
