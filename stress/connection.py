"""What does the page do when its connection is bad?

    python -m stress.connection                    # every trial, some five minutes
    python -m stress.connection cut-10 slow --json

A real browser watches a camera through a network of ours (`harness.network_proxy`), which is cut, falls silent or gets slow, or falls
asleep together with the computer. The page must say so, keep nothing waiting, switch the camera off when it gives up, and go
on by itself or after one click.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from harness.browser import LivePage, open_camera_browser
from harness.network_proxy import Proxy, open_proxy
from harness.reporting import add_json, print_json
from harness.servers import serve_voila

FRAMES_UNDER_WAY = 4  # two that wait for an answer, and two that were given up and may still come
LIVE = ("running", "no-face")
AGAIN = 5  # results that prove that the stream goes on
NOTE_DELAYS = """() => {
  window.ferDelays = [];
  document.querySelector(".fer-live").addEventListener("fer-faces", ({ detail }) =>
    window.ferDelays.push(detail.drawnAt - detail.shownAt));
}"""


def main() -> int:
    """Try and print from the shell; the status is 1 if a trial went wrong."""
    parser = argparse.ArgumentParser(description="Use the live page over a bad connection.")
    parser.add_argument("trials", nargs="*", metavar="trial", help=f"of {', '.join(TRIALS)} (default: all)")
    add_json(parser)
    given = parser.parse_args()
    unknown = sorted(set(given.trials) - set(TRIALS))
    if unknown:
        parser.error(f"there is no trial {', '.join(unknown)}")
    found: dict[str, dict[str, Any]] = {}
    with serve_voila() as url, open_proxy(url) as network, open_camera_browser() as browser:
        for name in given.trials or TRIALS:
            page = open_page(LivePage(browser, network.url))
            found[name] = TRIALS[name](page, network)
            page.close()
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found[name].items()), flush=True)
    bad = [name for name, one in found.items() if not is_good(one)]
    print(f"went wrong: {', '.join(bad) or 'nothing'}")
    print_json(given, found)
    return int(bool(bad))


def open_page(page: LivePage) -> LivePage:
    """Press Start and wait for faces."""
    page.wait_until_ready()
    page.press("Start")
    page.wait_for_state(*LIVE)
    page.wait_for_results(AGAIN)
    return page


def is_good(one: dict[str, Any]) -> bool:
    """Say whether nothing waited, the camera was off when the page had given up, and at most one click was needed."""
    return bool(one["under_way"] <= FRAMES_UNDER_WAY and one["clicks"] <= 1 and not one.get("camera_left_on"))


def cut(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Close every connection, and let none through for so long."""
    return _interrupt(page, network, network.cut, seconds)


def silence(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Let nothing through for so long, while the connections stay open, as behind a radio that is dead."""

    def fall_silent() -> None:
        network.is_silent = True

    return _interrupt(page, network, fall_silent, seconds)


def sleep(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Freeze the tab and silence its network, as a laptop does whose lid is closed."""
    devices = page.page.context.new_cdp_session(page.page)
    before = page.frames_sent
    network.is_silent = True
    devices.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(seconds)
    devices.send("Page.setWebLifecycleState", {"state": "active"})
    network.mend()
    return {"under_way": page.frames_sent - before, **_recover(page)}


def slow(
    page: LivePage, network: Proxy, delay_s: float, bytes_per_s: float, seconds: float, wanted: int = AGAIN
) -> dict[str, Any]:
    """Delay everything and let only so much through, for so long and until there are as many results as `wanted`.

    Returns:
        The `rate` of results a second, the median delay in milliseconds from frame to overlay in the first and in the
        second half of the time, and how many frames were `under_way` at most.
    """
    page.page.evaluate(NOTE_DELAYS)
    network.delay_s, network.bytes_per_s = delay_s, bytes_per_s
    start, under_way = time.monotonic(), 0
    results = page.results

    def has_enough() -> bool:
        nonlocal under_way
        under_way = max(under_way, page.frames_sent - page.frames_answered)
        return time.monotonic() - start >= seconds and page.results - results >= wanted

    page.wait_until(has_enough, f"{wanted} results on a slow network")
    rate = (page.results - results) / (time.monotonic() - start)
    delays = page.page.evaluate("() => window.ferDelays")
    network.delay_s, network.bytes_per_s = 0.0, float("inf")
    halves = [statistics.median(half) for half in (delays[: len(delays) // 2], delays[len(delays) // 2 :])]
    told = {"rate": round(rate, 1), "first_ms": round(halves[0]), "then_ms": round(halves[1])}
    return {**told, "under_way": under_way, **_recover(page)}


def _interrupt(page: LivePage, network: Proxy, begin: Callable[[], None], seconds: float) -> dict[str, Any]:
    """Begin a fault, end it after so many seconds, and see when the page says what."""
    before, said_s, off_s = page.frames_sent, None, None
    start = time.monotonic()
    begin()
    while time.monotonic() - start < seconds:
        state, at_s = page.state, round(time.monotonic() - start, 1)
        said_s = said_s or (at_s if state not in LIVE else None)
        off_s = off_s or (at_s if page.live_tracks() == 0 else None)
        page.page.wait_for_timeout(50)
    under_way, gave_up, is_on = page.frames_sent - before, page.state == "offline", page.live_tracks() > 0
    network.mend()
    told = {"said_s": said_s, "camera_off_s": off_s, "camera_left_on": gave_up and is_on, "under_way": under_way}
    return {**told, **_recover(page)}


def _recover(page: LivePage) -> dict[str, Any]:
    """Wait until the stream goes on, with a click where the page asks for one."""
    start, clicks = time.monotonic(), 0
    page.wait_for_state(*LIVE, "no-reply", "reconnected")
    if page.state == "no-reply":
        page.wait_for_state(*LIVE, "reconnected")
    if page.state == "reconnected":
        clicks += 1
        page.press("Start")
        page.wait_for_state(*LIVE)
    results = page.results
    page.wait_for_results(results + AGAIN)
    return {"clicks": clicks, "again_s": round(time.monotonic() - start, 1)}


TRIALS: dict[str, Callable[[LivePage, Proxy], dict[str, Any]]] = {
    "cut-1": lambda page, network: cut(page, network, 1),
    "cut-10": lambda page, network: cut(page, network, 10),
    "cut-60": lambda page, network: cut(page, network, 60),
    "silent-5": lambda page, network: silence(page, network, 5),
    "silent-30": lambda page, network: silence(page, network, 30),
    "slow": lambda page, network: slow(page, network, 0.2, 125_000, 30),
    "very-slow": lambda page, network: slow(page, network, 0.2, 16_000, 60),
    "sleep-30": lambda page, network: sleep(page, network, 30),
}


if __name__ == "__main__":
    sys.exit(main())
