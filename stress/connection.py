"""Test the live page over a bad network connection: cut, silent, slow, or suspended.

    python -m stress.connection                    # every trial, some five minutes
    python -m stress.connection cut-10 slow --json

A browser with a synthetic camera connects through a proxy (`harness.network_proxy`) that injects the fault. The page must
show the fault, limit the frames in flight, switch the camera off when it gives up, and continue by itself or after one click.
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

MAX_IN_FLIGHT = 4  # frames: two within the in-flight window, and two that timed out and may still arrive
LIVE = ("running", "no-face")
RECOVERED = 5  # results after which the stream counts as recovered
RECORD_DELAYS = """() => {
  window.ferDelays = [];
  document.querySelector(".fer-live").addEventListener("fer-faces", ({ detail }) =>
    window.ferDelays.push(detail.drawnAt - detail.shownAt));
}"""


def main() -> int:
    """Run from the shell; return 1 if a trial failed."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.connection", description="Test the live page over a bad network connection."
    )
    parser.add_argument("trials", nargs="*", metavar="trial", help=f"{', '.join(TRIALS)} (default: all)")
    add_json(parser)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.trials) - set(TRIALS))
    if unknown:
        parser.error(f"trial must be one of {', '.join(TRIALS)}, but got {', '.join(unknown)}")
    results: dict[str, dict[str, Any]] = {}
    with serve_voila() as url, open_proxy(url) as network, open_camera_browser() as browser:
        for name in arguments.trials or TRIALS:
            page = start_stream(LivePage(browser, network.url))
            results[name] = TRIALS[name](page, network)
            page.close()
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in results[name].items()), flush=True)
    failed = [name for name, result in results.items() if not is_passed(result)]
    print(f"failed: {', '.join(failed) or 'none'}")
    print_json(arguments, results)
    return int(bool(failed))


def start_stream(page: LivePage) -> LivePage:
    """Press Start and wait for results."""
    page.wait_until_ready()
    page.press("Start")
    page.wait_for_state(*LIVE)
    page.wait_for_results(RECOVERED)
    return page


def is_passed(result: dict[str, Any]) -> bool:
    """Check the frames in flight, that the camera was off in the offline state, and that one click was enough."""
    return bool(result["under_way"] <= MAX_IN_FLIGHT and result["clicks"] <= 1 and not result.get("camera_left_on"))


def cut(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Close every connection and refuse new ones for `seconds`."""
    return _interrupt(page, network, network.cut, seconds)


def silence(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Deliver no bytes for `seconds` while the connections stay open, as without radio reception."""

    def set_silent() -> None:
        network.is_silent = True

    return _interrupt(page, network, set_silent, seconds)


def suspend(page: LivePage, network: Proxy, seconds: float) -> dict[str, Any]:
    """Freeze the tab and silence its network, like a suspended laptop."""
    devtools = page.page.context.new_cdp_session(page.page)
    before = page.frames_sent
    network.is_silent = True
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(seconds)
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    network.restore()
    return {"under_way": page.frames_sent - before, **_recover(page)}


def slow(
    page: LivePage, network: Proxy, delay_s: float, bytes_per_s: float, seconds: float, wanted: int = RECOVERED
) -> dict[str, Any]:
    """Add latency and limit the bandwidth for at least `seconds`, and until `wanted` results have arrived.

    Returns:
        `rate`, results per second; `first_ms` and `then_ms`, the median delay from frame to overlay in the first and the
        second half; `under_way`, the largest number of frames in flight; and the figures of the recovery.
    """
    page.page.evaluate(RECORD_DELAYS)
    network.delay_s, network.bytes_per_s = delay_s, bytes_per_s
    start, in_flight = time.monotonic(), 0
    results = page.results

    def has_enough() -> bool:
        nonlocal in_flight
        in_flight = max(in_flight, page.frames_sent - page.replies_received)
        return time.monotonic() - start >= seconds and page.results - results >= wanted

    page.wait_until(has_enough, f"{wanted} results on a slow network")
    rate = (page.results - results) / (time.monotonic() - start)
    delays = page.page.evaluate("() => window.ferDelays")
    network.delay_s, network.bytes_per_s = 0.0, float("inf")
    halves = [statistics.median(half) for half in (delays[: len(delays) // 2], delays[len(delays) // 2 :])]
    figures = {"rate": round(rate, 1), "first_ms": round(halves[0]), "then_ms": round(halves[1])}
    return {**figures, "under_way": in_flight, **_recover(page)}


def _interrupt(page: LivePage, network: Proxy, inject: Callable[[], None], seconds: float) -> dict[str, Any]:
    """Inject a fault and remove it after `seconds`.

    Returns:
        `shown_s` and `camera_off_s`, the seconds until the page showed the fault and switched the camera off, `None` if it
        did not; `camera_left_on`, whether the camera was on in the offline state; `under_way`, the frames that were sent
        during the fault; and the figures of the recovery.
    """
    before, shown_s, off_s = page.frames_sent, None, None
    start = time.monotonic()
    inject()
    while time.monotonic() - start < seconds:
        state, at_s = page.state, round(time.monotonic() - start, 1)
        shown_s = shown_s or (at_s if state not in LIVE else None)
        off_s = off_s or (at_s if page.live_tracks() == 0 else None)
        page.page.wait_for_timeout(50)
    sent, is_offline, is_on = page.frames_sent - before, page.state == "offline", page.live_tracks() > 0
    network.restore()
    figures = {"shown_s": shown_s, "camera_off_s": off_s, "camera_left_on": is_offline and is_on, "under_way": sent}
    return {**figures, **_recover(page)}


def _recover(page: LivePage) -> dict[str, Any]:
    """Wait until results arrive again, and press Start if the page needs it; return the clicks and the seconds."""
    start, clicks = time.monotonic(), 0
    page.wait_for_state(*LIVE, "no-reply", "reconnected")
    if page.state == "no-reply":
        page.wait_for_state(*LIVE, "reconnected")
    if page.state == "reconnected":
        clicks += 1
        page.press("Start")
        page.wait_for_state(*LIVE)
    results = page.results
    page.wait_for_results(results + RECOVERED)
    return {"clicks": clicks, "again_s": round(time.monotonic() - start, 1)}


TRIALS: dict[str, Callable[[LivePage, Proxy], dict[str, Any]]] = {
    "cut-1": lambda page, network: cut(page, network, 1),
    "cut-10": lambda page, network: cut(page, network, 10),
    "cut-60": lambda page, network: cut(page, network, 60),
    "silent-5": lambda page, network: silence(page, network, 5),
    "silent-30": lambda page, network: silence(page, network, 30),
    "slow": lambda page, network: slow(page, network, 0.2, 125_000, 30),
    "very-slow": lambda page, network: slow(page, network, 0.2, 16_000, 60),
    "sleep-30": lambda page, network: suspend(page, network, 30),
}


if __name__ == "__main__":
    sys.exit(main())
