"""Chromium with a synthetic camera (Playwright), and the live page in it."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, WebSocket, sync_playwright

from harness.synthetic_camera import BITS, SQUARE, WIDTH, write_clip

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_S = 90.0
RETRY_S = 10.0
# States that only the visitor can end.
DEAD_ENDS = ("broken", "failed", "kernel-ended")

RESULT = re.compile(rb'"type":\s*"(?:faces|skipped|loading|broken)"')
WATCH = Path(__file__).parent / "watch.js"
# Records the tracks of `getUserMedia`, so that a test can check whether they were stopped.
RECORD_TRACKS = """
  window.ferTracks = [];
  const media = navigator.mediaDevices;
  const open = media?.getUserMedia.bind(media);
  if (open) media.getUserMedia = async (constraints) => {
    const stream = await open(constraints);
    window.ferTracks.push(...stream.getTracks());
    return stream;
  };
"""


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome, by default the one in the environment variable `CHROMIUM`."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def require_chromium() -> str:
    """Return the path of Chromium or Chrome.

    Raises:
        FileNotFoundError: if neither is installed.
    """
    chromium = find_chromium()
    if chromium is None:
        raise FileNotFoundError(
            "Chromium must be on the PATH, but it is missing; install it, or set CHROMIUM to its path"
        )
    return chromium


@contextmanager
def open_browser(
    playwright: Playwright,
    executable: str,
    clip: Path | None = None,
    allow: bool = True,
    options: tuple[str, ...] = (),
) -> Iterator[Browser]:
    """Open headless Chromium and close it at the end, also after an exception.

    Args:
        playwright: the Playwright driver; only one can be active at a time.
        executable: path of the browser.
        clip: y4m file that is played as the camera; `None`: a computer without a camera.
        allow: whether the camera permission is granted; otherwise every request is denied.
        options: more command line options of Chromium.
    """
    flags = [*QUIET, *options]
    flags.append("--use-fake-ui-for-media-stream" if allow else "--deny-permission-prompts")
    if clip is not None:
        flags += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"]
    browser = playwright.chromium.launch(executable_path=executable, args=flags)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def open_camera_browser() -> Iterator[Browser]:
    """Open a browser whose camera shows the synthetic clip of a moving face.

    Raises:
        FileNotFoundError: if Chromium is not installed.
    """
    chromium = require_chromium()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = write_clip(Path(folder, "face.y4m"))
        with open_browser(playwright, chromium, clip) as browser:
            yield browser


class LivePage:
    """Page object of the live page: the actions of a visitor and the state of the page.

    Args:
        browser: browser to open the page in.
        url: address of the page.
        script: JavaScript that runs before the page's own scripts.
        beside: another page of the same visitor, whose browser context is shared (a second tab).
        context: options of a new browser context.

    Attributes:
        page: the Playwright page.
        console_errors: errors and uncaught exceptions on the browser's console.
        external_urls: requested addresses outside of the page's own origin.
        frames_sent: number of frames sent to the kernel.
        replies_received: number of replies to frames, including those that arrived after their timeout.
    """

    def __init__(
        self, browser: Browser, url: str, script: str = "", beside: LivePage | None = None, **context: Any
    ) -> None:
        shared = beside.page.context if beside else browser.new_context(**context)
        self.page: Page = shared.new_page()
        for code in (RECORD_TRACKS, script):
            self.page.add_init_script(f"{{{code}}}")
        self.console_errors: list[str] = []
        self.external_urls: list[str] = []
        self.frames_sent = self.replies_received = 0
        self._host = urlsplit(url).netloc
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("websocket", self._on_websocket)
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.goto(url, wait_until="commit", timeout=TIMEOUT_S * 1000)

    def close(self) -> None:
        """Close the page, and the browser context with its last page."""
        self.page.close()
        if not self.page.context.pages:
            self.page.context.close()

    def run_all_cells(self) -> None:
        """Run all cells of the notebook that is open in JupyterLab, and wait until they have finished.

        Raises:
            TimeoutError: if some cells do not finish.
        """
        # JupyterLab reports idle before it requests a kernel, too; running cells at that moment starts a second kernel,
        # and the execution requests to the first are lost. A kernel that has just started sometimes loses them as well.
        # The cells then have no execution count, so the command is repeated.
        indicator = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        requested_s = -math.inf

        def have_run() -> bool:
            nonlocal requested_s
            prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
            shown = bool(prompts) and all("[" in prompt for prompt in prompts)
            done = shown and all(re.search(r"\d", prompt) for prompt in prompts)
            if shown and not done and indicator.count() and time.monotonic() > requested_s + RETRY_S:
                self._select_menu_item("Run", "Run All Cells")
                requested_s = time.monotonic()
            return done

        self.wait_until(have_run, "executed cells")

    def wait_until_ready(self) -> float:
        """Wait until Start is enabled; return the seconds since the navigation started."""
        self.page.locator(".fer-start:enabled").wait_for(timeout=TIMEOUT_S * 1000)
        return float(self.page.evaluate("() => performance.now()")) / 1000

    def press(self, word: str) -> None:
        """Click the button with this label."""
        self.page.get_by_role("button", name=word, exact=True).click(timeout=TIMEOUT_S * 1000)

    @property
    def state(self) -> str:
        """State of the live view (`fer_lib.live.session.states`)."""
        return str(self._data("state"))

    @property
    def status(self) -> str:
        """Status sentence of the page."""
        return self.page.locator(".fer-status").inner_text()

    @property
    def results(self) -> int:
        """Number of results shown since Start."""
        return int(self._data("results") or 0)

    @property
    def faces(self) -> list[dict[str, Any]]:
        """Faces of the latest result."""
        return list(json.loads(self._data("faces") or "[]"))

    def wait_for_state(self, *states: str) -> None:
        """Wait until the live view is in one of these states.

        Raises:
            RuntimeError: if it reaches an error state instead.
            TimeoutError: if it does not reach one of them in time.
        """
        self.wait_until(lambda: self.state in (*states, *DEAD_ENDS), what := f"state {' or '.join(states)}")
        if self.state not in states:
            raise RuntimeError(f"the page must reach {what}, but got state {self.state!r}: {self.status}")

    def wait_for_results(self, count: int) -> None:
        """Wait until at least `count` results were shown since Start."""
        self.wait_until(lambda: self.results >= count, f"{count} results")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll a condition until it holds.

        Args:
            condition: what to wait for.
            what: its description for the error message.

        Raises:
            TimeoutError: if it does not hold in time; the message contains the state of the page.
        """
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page must reach {what}, but got {self._describe_state()}")
            self.page.wait_for_timeout(50)

    def record_results(self) -> None:
        """Start to record every result when the page draws it."""
        self.page.evaluate(WATCH.read_text(encoding="utf-8"), {"square": SQUARE, "bits": BITS, "width": WIDTH})

    def pop_results(self) -> list[dict[str, Any]]:
        """Return and clear the recorded results, each with the number of the frame on the screen."""
        return list(self.page.evaluate("() => window.ferResults.splice(0)"))

    def tracks(self) -> int:
        """Return the number of camera tracks that were opened since the page was loaded."""
        return int(self.page.evaluate("() => window.ferTracks.length"))

    def live_tracks(self) -> int:
        """Return the number of camera tracks that are live."""
        return int(self.page.evaluate("() => window.ferTracks.filter((track) => track.readyState === 'live').length"))

    def _describe_state(self) -> str:
        if not self.page.locator(".fer-live").count():
            return f"no live view, console {self.console_errors}"
        return f"state {self.state!r}, {self.results} results, console {self.console_errors}"

    def _select_menu_item(self, *path: str) -> None:
        for name in path:
            self.page.get_by_role("menuitem", name=name, exact=True).click(timeout=TIMEOUT_S * 1000)

    def _data(self, name: str) -> str | None:
        return self.page.locator(".fer-live").get_attribute(f"data-{name}", timeout=TIMEOUT_S * 1000)

    def _on_websocket(self, socket: WebSocket) -> None:
        socket.on("framesent", self._on_sent)
        socket.on("framereceived", self._on_received)

    def _on_received(self, payload: str | bytes) -> None:
        self.replies_received += bool(RESULT.search(payload if isinstance(payload, bytes) else payload.encode()))

    def _on_sent(self, payload: str | bytes) -> None:
        # Only frames contain the JPEG signature.
        self.frames_sent += isinstance(payload, bytes) and b"\xff\xd8\xff" in payload

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(f"{message.text} ({message.location.get('url')})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.external_urls.append(url)
