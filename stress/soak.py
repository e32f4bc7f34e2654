"""Does it still run as well after an hour?

    python -m stress.soak                                             # 60 minutes, then 30, then 20 kills
    python -m stress.soak --browser-minutes 2 --crowd-minutes 2 --kills 3

A real browser watches a camera for an hour; then twelve scripts do for half an hour. Rate and memory of the first minutes
after warming up are set beside those of the last. The browser also records, and shows files, good ones and broken ones; then
the disk and the log are searched for pictures. At the end a training is killed again and again (`stress.kill_resume`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from harness.browser import LivePage, open_browser, require_chromium
from harness.clips import compose_clip
from harness.image_leaks import confine, find_pictures
from harness.malformed_images import odd_pictures
from harness.reporting import add_json, print_json
from harness.servers import find_kernel, serve_voila
from harness.synthetic_camera import write_clip
from harness.visitor import Visitor
from stress.flood import CAMERA
from stress.kill_resume import kill

CROWD = 12
WARM_UP = 0.1  # share of the time that is not judged
SHARE = 0.15  # of the time that is the start, and the end
RECORDED = 0.02  # as long as this share of the time, before it
LEAST_RATE = 0.95
MOST_GROWTH = 0.05
# Words of a log that tell of a fault; a browser that leaves is none, nor a kernel that is ended while it works.
FAULTS = ("error", "traceback", "critical", "exception")
HARMLESS = ("websocketclosederror", "streamclosederror", "keyboardinterrupt caught in kernel")


def main() -> int:
    """Soak from the shell; the status is 1 if something got worse."""
    parser = argparse.ArgumentParser(description="Use the live page for long, and kill a training often.")
    parser.add_argument("--browser-minutes", type=float, default=60, help="0: no browser (default: 60)")
    parser.add_argument("--crowd-minutes", type=float, default=30, help="0: no crowd (default: 30)")
    parser.add_argument("--visitors", type=int, default=CROWD, help=f"how many in the crowd (default: {CROWD})")
    parser.add_argument("--kills", type=int, default=20, help="of a training; 0: none (default: 20)")
    add_json(parser)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    if given.browser_minutes:
        found["browser"] = soak_browser(given.browser_minutes * 60)
    if given.crowd_minutes:
        found["crowd"] = asyncio.run(soak_crowd(given.visitors, given.crowd_minutes * 60))
    for name, one in found.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in one.items()), flush=True)
    bad = [name for name, one in found.items() if not is_good(one)]
    if given.kills:
        found["training"] = kill(given.kills, 10, 0)
        print(f"training: {found['training']}")
        bad += ["training"] if found["training"]["lost"] or not found["training"]["same"] else []
    print(f"worse at the end: {', '.join(bad) or 'nothing'}")
    print_json(given, found)
    return int(bool(bad))


def is_good(one: dict[str, Any]) -> bool:
    """Say whether rate and memory are at the end what they were at the start, and nothing tells of a fault.

    Args:
        one: as `soak_browser` and `soak_crowd` return it.
    """
    grown = [value for name, value in one.items() if name.endswith("_growth") and value > MOST_GROWTH]
    left = one.get("pictures", 0) or not one.get("released", True)
    return not grown and not left and not one["faults"] and one["rate_kept"] >= LEAST_RATE


def soak_browser(seconds: float) -> dict[str, Any]:
    """Let a browser record, watch its camera for long, and show files.

    Returns:
        The rates, the growth of kernel, server and tab, how many `faults` logs and console tell of, how many `pictures`
        lie where the server writes, and whether the camera was `released`.
    """
    chromium = require_chromium()
    with tempfile.TemporaryDirectory(prefix="fer-soak-") as name, sync_playwright() as playwright:
        searched, clip = Path(name, "searched"), write_clip(Path(name, "face.y4m"))
        environment, log = confine(searched), searched / "log"
        with serve_voila(environment=environment, log=log) as url, open_browser(playwright, chromium, clip) as browser:
            page = LivePage(browser, url)
            page.wait_until_ready()
            page.press("Start")
            page.wait_for_state("running")
            _record(page, seconds * RECORDED)
            kernel_id = json.loads(page.page.locator("#jupyter-config-data").text_content() or "{}")["kernelId"]
            kernel = find_kernel(kernel_id)
            looked = {"kernel": lambda: kernel, "server": kernel.parent, "tab": _find_tab}
            found = _watch(seconds, lambda: page.results, looked, lambda: page.page.wait_for_timeout(1000))
            page.press("Stop")
            found["released"] = page.live_tracks() == 0
            _show_files(page, Path(name, "files"))
            found["pictures"] = len(find_pictures(searched))
            complaints = list(page.complaints)
        found["pictures"] = max(found["pictures"], len(find_pictures(searched)))
        return {**found, "faults": _told(find_faults(log) + complaints)}


def _record(page: LivePage, seconds: float) -> None:
    """Record for a while and download what there is."""
    page.press("Record")
    page.page.wait_for_timeout(seconds * 1000)
    page.press("Record")
    for kind in ("CSV", "JSON"):
        with page.page.expect_download() as waiting:
            page.press(f"Download {kind}")
        waiting.value.delete()


def _show_files(page: LivePage, folder: Path) -> None:
    """Show one file after another in place of the camera, broken ones too, and then the camera again."""
    folder.mkdir()
    for number, content in enumerate(odd_pictures().values()):
        (path := folder / f"{number}.jpg").write_bytes(content)
        page.page.locator(".fer-file").set_input_files(path)
        page.page.wait_for_timeout(500)
    page.press("Start")
    page.wait_for_state("running")
    page.wait_for_results(10)


async def soak_crowd(count: int, seconds: float) -> dict[str, Any]:
    """Let scripts watch their cameras; return the same for all of them together."""
    jpegs = compose_clip(150).jpegs
    with tempfile.TemporaryDirectory(prefix="fer-soak-") as name:
        log = Path(name, "log")
        with serve_voila(log=log) as url:
            crowd = [Visitor(url) for _ in range(count)]
            for visitor in crowd:
                await visitor.open()
            kernels = [find_kernel(visitor.kernel_id) for visitor in crowd]
            looked: dict[str, Callable[[], psutil.Process | None]] = {
                f"kernel_{number}": partial(psutil.Process, kernel.pid) for number, kernel in enumerate(kernels)
            }
            looked["server"] = kernels[0].parent
            streams = asyncio.gather(*(visitor.stream(jpegs, CAMERA, seconds) for visitor in crowd))
            counted = lambda: sum(len(visitor.answered_s) for visitor in crowd)  # noqa: E731 (short)
            found = await asyncio.to_thread(_watch, seconds - 2, counted, looked, lambda: time.sleep(1))
            await streams
            for visitor in crowd:
                visitor.close()
        growth = max(value for key, value in found.items() if key.startswith("kernel_") and key.endswith("_growth"))
        kept = {key: value for key, value in found.items() if not key.startswith("kernel_")}
        return {"visitors": count, **kept, "kernel_growth": growth, "faults": _told(find_faults(log))}


def _watch(
    seconds: float,
    count: Callable[[], int],
    looked: dict[str, Callable[[], psutil.Process | None]],
    wait: Callable[[], Any],
) -> dict[str, Any]:
    """Look every second; return rate and memory (USS) at the start, after warming up, and at the end."""
    start = time.monotonic()
    times, counts = [], []
    memory: dict[str, list[float]] = {name: [] for name in looked}
    while time.monotonic() - start < seconds:
        wait()
        times.append(time.monotonic() - start)
        counts.append(count())
        for name, find in looked.items():
            process = find()
            memory[name].append(process.memory_full_info().uss / 1e6 if process else 0.0)
    first = [i for i, at in enumerate(times) if WARM_UP * seconds <= at <= (WARM_UP + SHARE) * seconds]
    last = [i for i, at in enumerate(times) if at >= (1 - SHARE) * seconds]

    def rate(rows: list[int]) -> float:
        return (counts[rows[-1]] - counts[rows[0]]) / (times[rows[-1]] - times[rows[0]])

    found: dict[str, Any] = {
        "minutes": round(seconds / 60, 1),
        "rate_at_start": round(rate(first), 1),
        "rate_at_end": round(rate(last), 1),
        "rate_kept": round(rate(last) / rate(first), 3),
    }
    for name, values in memory.items():
        early, late = (statistics.median(values[i] for i in rows) for rows in (first, last))
        found |= {f"{name}_mb": round(late), f"{name}_growth": round(late / early - 1, 3)}
    return found


def _told(faults: list[str]) -> int:
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return len(faults)


def _find_tab() -> psutil.Process | None:
    """Return the largest of the browser's processes that show pages, of those that we started."""
    tabs = [
        process
        for process in psutil.Process().children(recursive=True)
        if "--type=renderer" in " ".join(process.cmdline())
    ]
    return max(tabs, key=lambda process: process.memory_info().rss, default=None)


def find_faults(log: Path) -> list[str]:
    """Return the lines of a log that tell of a fault of ours."""

    def tells(line: str) -> bool:
        said = line.lower()
        return any(word in said for word in FAULTS) and not any(word in said for word in HARMLESS)

    return [line for line in log.read_text(errors="replace").splitlines() if tells(line)]


if __name__ == "__main__":
    sys.exit(main())
