"""Fixtures: a Voila server, a browser with an allowed camera, and the live page in it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from harness.browser import LivePage, open_browser
from harness.servers import find_kernel, serve_voila
from harness.synthetic_camera import write_clip

INSECURE_HOST = "fer.test"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("camera") / "face.y4m")


@pytest.fixture(scope="module")
def voila(chromium: str) -> Iterator[str]:
    """A Voila server that also accepts INSECURE_HOST, on which browsers refuse the camera without https."""
    with serve_voila(environment={"FER_ALLOWED_HOSTS": INSECURE_HOST}) as url:
        yield url


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str, clip: Path) -> Iterator[Browser]:
    """A browser with a camera and permission to use it."""
    with open_browser(playwright, chromium, clip) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, voila: str) -> Iterator[LivePage]:
    page = LivePage(browser, voila)
    try:
        page.wait_until_ready()
        yield page
    finally:
        page.close()


@pytest.fixture
def live(page: LivePage) -> LivePage:
    """The page after Start, with a face in view."""
    page.press("Start")
    page.wait_for_state("running")
    return page


def kill_kernel(page: LivePage) -> None:
    """Kill the kernel of a page that Voila serves."""
    config = page.page.locator("#jupyter-config-data").text_content() or "{}"
    find_kernel(json.loads(config)["kernelId"]).kill()
