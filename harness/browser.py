"""A real browser with a camera that we control, and the live page in it."""

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
PATIENCE_S = 90.0
RETRY_S = 10.0
# States that nothing but the visitor leads out of.
DEAD_ENDS = ("broken", "failed", "kernel-ended")

ANSWER = re.compile(rb'"type":\s*"(?:faces|skipped|loading|broken)"')
WATCH = Path(__file__).parent / "watch.js"
# Keeps what the camera gave, so that a test can see whether it was given back.
KEEP_TRACKS = """
  window.ferTracks = [];
  const media = navigator.mediaDevices;
  const open = media?.getUserMedia.bind(media);
  if (open) media.getUserMedia = async (wishes) => {
    const stream = await open(wishes);
    window.ferTracks.push(...stream.getTracks());
    return stream;
  };
"""


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome; the environment's `CHROMIUM` comes first."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def require_chromium() -> str:
    """Return the path of Chromium or Chrome.

    Raises:
        FileNotFoundError: if there is none.
    """
    chromium = find_chromium()
    if chromium is None:
        raise FileNotFoundError("Chromium must be installed, but there is none on the PATH; CHROMIUM=... names another")
    return chromium


@contextmanager
def open_browser(
    playwright: Playwright,
    executable: str,
    clip: Path | None = None,
    allow: bool = True,
    options: tuple[str, ...] = (),
) -> Iterator[Browser]:
    """Open Chromium without a window, and close it whatever happens.

    Args:
        playwright: what drives it; there can be only one at a time.
        executable: path of the browser.
        clip: y4m file to play as the camera; `None` for a machine without a camera.
        allow: whether the visitor allows the camera; otherwise every wish is refused.
        options: more options of Chromium.
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
    """Open a browser of its own whose camera shows the moving face.

    Raises:
        FileNotFoundError: if there is no Chromium.
    """
    chromium = require_chromium()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = write_clip(Path(folder, "face.y4m"))
        with open_browser(playwright, chromium, clip) as browser:
            yield browser


class LivePage:
    """The live page in a browser, and what a visitor can do with it.

    Args:
        browser: where it is opened.
        url: its address.
        script: JavaScript to run before the page's own.
        beside: another page of the same visitor, to be one of two tabs.
        context: options of the visitor's context.

    Attributes:
        page: the page, for everything else.
        complaints: errors and uncaught exceptions of the browser's console.
        strangers: addresses outside the page's own origin that it asked for.
        frames_sent: how many frames went to the kernel.
        frames_answered: how many answers to frames came back, also those that no frame waited for any more.
    """

    def __init__(
        self, browser: Browser, url: str, script: str = "", beside: LivePage | None = None, **context: Any
    ) -> None:
        visitor = beside.page.context if beside else browser.new_context(**context)
        self.page: Page = visitor.new_page()
        for code in (KEEP_TRACKS, script):
            self.page.add_init_script(f"{{{code}}}")
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.frames_sent = self.frames_answered = 0
        self._host = urlsplit(url).netloc
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("websocket", self._listen_in)
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.goto(url, wait_until="commit", timeout=PATIENCE_S * 1000)

    def close(self) -> None:
        """Leave the page; with their last one the visitor is gone."""
        self.page.close()
        if not self.page.context.pages:
            self.page.context.close()

    def run_all_cells(self) -> None:
        """Run the notebook that is open in JupyterLab, to its end.

        Raises:
            TimeoutError: if its cells don't all run.
        """
        # JupyterLab calls itself idle before it asks for a kernel, too; whoever runs cells then gets a second kernel,
        # and what the first was told is lost. A kernel that has only just started sometimes loses it as well. The
        # cells then look as if they had never been run, or interrupted; a person asks again.
        indicator = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        asked_at = -math.inf

        def have_run() -> bool:
            nonlocal asked_at
            prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
            shown = bool(prompts) and all("[" in prompt for prompt in prompts)
            done = shown and all(re.search(r"\d", prompt) for prompt in prompts)
            if shown and not done and indicator.count() and time.monotonic() > asked_at + RETRY_S:
                self._choose("Run", "Run All Cells")
                asked_at = time.monotonic()
            return done

        self.wait_until(have_run, "cells that have run")

    def wait_until_ready(self) -> float:
        """Wait until Start can be pressed; return how many seconds after the page was asked for that was."""
        self.page.locator(".fer-start:enabled").wait_for(timeout=PATIENCE_S * 1000)
        return float(self.page.evaluate("() => performance.now()")) / 1000

    def press(self, word: str) -> None:
        """Press the button that carries this word."""
        self.page.get_by_role("button", name=word, exact=True).click(timeout=PATIENCE_S * 1000)

    @property
    def state(self) -> str:
        """The state of the live view, by its short name."""
        return str(self._data("state"))

    @property
    def status(self) -> str:
        """The sentence that the visitor reads."""
        return self.page.locator(".fer-status").inner_text()

    @property
    def results(self) -> int:
        """How many results were shown since Start."""
        return int(self._data("results") or 0)

    @property
    def faces(self) -> list[dict[str, Any]]:
        """The faces that are shown now."""
        return list(json.loads(self._data("faces") or "[]"))

    def wait_for_state(self, *states: str) -> None:
        """Wait until the live view is in one of these states.

        Raises:
            RuntimeError: if it ends in an error instead.
            TimeoutError: if it does not get there in time.
        """
        self.wait_until(lambda: self.state in (*states, *DEAD_ENDS), what := f"state {' or '.join(states)}")
        if self.state not in states:
            raise RuntimeError(f"the page must come to {what}, but got {self.state!r}: {self.status}")

    def wait_for_results(self, count: int) -> None:
        """Wait until so many results were shown since Start."""
        self.wait_until(lambda: self.results >= count, f"{count} results")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Look again and again until the condition holds.

        Raises:
            TimeoutError: if it does not hold in time; the sentence says what the page showed.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page must come to {what}, but got {self._describe()}")
            self.page.wait_for_timeout(50)

    def listen(self) -> None:
        """Begin to note every result as the page shows it."""
        self.page.evaluate(WATCH.read_text(encoding="utf-8"), {"square": SQUARE, "bits": BITS, "width": WIDTH})

    def noted(self) -> list[dict[str, Any]]:
        """Return and forget the noted results, each with the number of the frame that was on the screen."""
        return list(self.page.evaluate("() => window.ferResults.splice(0)"))

    def tracks(self) -> int:
        """Return how many tracks the camera gave since the page was opened."""
        return int(self.page.evaluate("() => window.ferTracks.length"))

    def live_tracks(self) -> int:
        """Return how many tracks of the camera are on."""
        return int(self.page.evaluate("() => window.ferTracks.filter((track) => track.readyState === 'live').length"))

    def _describe(self) -> str:
        if not self.page.locator(".fer-live").count():
            return f"no live view, console {self.complaints}"
        return f"state {self.state!r}, {self.results} results, console {self.complaints}"

    def _choose(self, *words: str) -> None:
        for word in words:
            self.page.get_by_role("menuitem", name=word, exact=True).click(timeout=PATIENCE_S * 1000)

    def _data(self, name: str) -> str | None:
        return self.page.locator(".fer-live").get_attribute(f"data-{name}", timeout=PATIENCE_S * 1000)

    def _listen_in(self, socket: WebSocket) -> None:
        socket.on("framesent", self._on_sent)
        socket.on("framereceived", self._on_received)

    def _on_received(self, payload: str | bytes) -> None:
        self.frames_answered += bool(ANSWER.search(payload if isinstance(payload, bytes) else payload.encode()))

    def _on_sent(self, payload: str | bytes) -> None:
        # A frame is the only message with a picture in it.
        self.frames_sent += isinstance(payload, bytes) and b"\xff\xd8\xff" in payload

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.strangers.append(url)
