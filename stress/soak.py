"""Soak test: compare rate and memory of the live page at the start and at the end of a long run.

    python -m stress.soak                                             # 60 minutes, then 30, then 20 kills
    python -m stress.soak --browser-minutes 2 --crowd-minutes 2 --kills 3

A browser streams from a synthetic camera for an hour, then twelve scripted visitors for half an hour. Rate and memory of the
first minutes after the warm-up are compared with those of the last minutes. The browser also records, and opens valid and
malformed image files; then the disk and the log are searched for image data. Last, a training is killed and resumed
(`stress.kill_resume`).
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
from harness.image_leaks import confine, find_images
from harness.malformed_images import malformed_images
from harness.reporting import add_json, print_json
from harness.servers import find_kernel, serve_voila
from harness.synthetic_camera import write_clip
from harness.visitor import Visitor
from stress.flood import CAMERA_FPS
from stress.kill_resume import kill_and_resume

VISITORS = 12
WARM_UP = 0.1  # share of the time that is not evaluated
SHARE = 0.15  # share of the time that counts as the start, and as the end
RECORDED = 0.02  # duration of the recording before the measurement, as a share of the time
MIN_RATE_KEPT = 0.95
MAX_GROWTH = 0.05
# Words of a log line that reports an error; a browser that disconnects and a kernel that is interrupted are no errors.
ERROR_WORDS = ("error", "traceback", "critical", "exception")
HARMLESS = ("websocketclosederror", "streamclosederror", "keyboardinterrupt caught in kernel")


def main() -> int:
    """Run from the shell; return 1 if a part failed."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.soak", description="Run the live page for a long time, then kill and resume a training."
    )
    parser.add_argument("--browser-minutes", type=float, default=60, help="0: no browser (default: 60)")
    parser.add_argument("--crowd-minutes", type=float, default=30, help="0: no scripted visitors (default: 30)")
    parser.add_argument("--visitors", type=int, default=VISITORS, help=f"scripted visitors (default: {VISITORS})")
    parser.add_argument("--kills", type=int, default=20, help="kills of a training; 0: no training (default: 20)")
    add_json(parser)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    if arguments.browser_minutes:
        results["browser"] = soak_browser(arguments.browser_minutes * 60)
    if arguments.crowd_minutes:
        results["crowd"] = asyncio.run(soak_visitors(arguments.visitors, arguments.crowd_minutes * 60))
    for name, result in results.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in result.items()), flush=True)
    failed = [name for name, result in results.items() if not is_passed(result)]
    if arguments.kills:
        results["training"] = kill_and_resume(arguments.kills, 10, 0)
        print(f"training: {results['training']}")
        failed += ["training"] if results["training"]["lost"] or not results["training"]["same"] else []
    print(f"failed: {', '.join(failed) or 'none'}")
    print_json(arguments, results)
    return int(bool(failed))


def is_passed(result: dict[str, Any]) -> bool:
    """Check that the rate is kept, memory has not grown, no error was logged, and no image or camera was left.

    Args:
        result: as returned by `soak_browser` or `soak_visitors`.
    """
    grown = [value for name, value in result.items() if name.endswith("_growth") and value > MAX_GROWTH]
    left = result.get("images", 0) or not result.get("released", True)
    return not grown and not left and not result["errors"] and result["rate_kept"] >= MIN_RATE_KEPT


def soak_browser(seconds: float) -> dict[str, Any]:
    """Record in a browser, stream from its camera for a long time, and open files.

    Returns:
        The figures of `_measure` for kernel, server and tab; `errors`, lines of the server's log and the browser's
        console; `images`, files with image data where the server writes; and `released`, whether the camera is off.
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
            processes = {"kernel": lambda: kernel, "server": kernel.parent, "tab": _find_tab}
            result = _measure(seconds, lambda: page.results, processes, lambda: page.page.wait_for_timeout(1000))
            page.press("Stop")
            result["released"] = page.live_tracks() == 0
            _open_files(page, Path(name, "files"))
            result["images"] = len(find_images(searched))
            console = list(page.console_errors)
        result["images"] = max(result["images"], len(find_images(searched)))
        return {**result, "errors": _print_errors(find_errors(log) + console)}


def _record(page: LivePage, seconds: float) -> None:
    """Record for `seconds` and download the recording in both formats."""
    page.press("Record")
    page.page.wait_for_timeout(seconds * 1000)
    page.press("Record")
    for kind in ("CSV", "JSON"):
        with page.page.expect_download() as waiting:
            page.press(f"Download {kind}")
        waiting.value.delete()


def _open_files(page: LivePage, folder: Path) -> None:
    """Open valid and malformed image files in place of the camera, then the camera again."""
    folder.mkdir()
    for number, content in enumerate(malformed_images().values()):
        (path := folder / f"{number}.jpg").write_bytes(content)
        page.page.locator(".fer-file").set_input_files(path)
        page.page.wait_for_timeout(500)
    page.press("Start")
    page.wait_for_state("running")
    page.wait_for_results(10)


async def soak_visitors(count: int, seconds: float) -> dict[str, Any]:
    """Stream from scripted visitors; return their common rate, the largest growth of a kernel, and the server's."""
    jpegs = compose_clip(150).jpegs
    with tempfile.TemporaryDirectory(prefix="fer-soak-") as name:
        log = Path(name, "log")
        with serve_voila(log=log) as url:
            visitors = [Visitor(url) for _ in range(count)]
            for visitor in visitors:
                await visitor.open()
            kernels = [find_kernel(visitor.kernel_id) for visitor in visitors]
            processes: dict[str, Callable[[], psutil.Process | None]] = {
                f"kernel_{number}": partial(psutil.Process, kernel.pid) for number, kernel in enumerate(kernels)
            }
            processes["server"] = kernels[0].parent
            streams = asyncio.gather(*(visitor.stream(jpegs, CAMERA_FPS, seconds) for visitor in visitors))
            count_results = lambda: sum(len(visitor.result_times_s) for visitor in visitors)  # noqa: E731 (short)
            result = await asyncio.to_thread(_measure, seconds - 2, count_results, processes, lambda: time.sleep(1))
            await streams
            for visitor in visitors:
                visitor.close()
        growth = max(value for key, value in result.items() if key.startswith("kernel_") and key.endswith("_growth"))
        others = {key: value for key, value in result.items() if not key.startswith("kernel_")}
        return {"visitors": count, **others, "kernel_growth": growth, "errors": _print_errors(find_errors(log))}


def _measure(
    seconds: float,
    count: Callable[[], int],
    processes: dict[str, Callable[[], psutil.Process | None]],
    wait: Callable[[], Any],
) -> dict[str, Any]:
    """Sample once a second; return rate and memory (USS) at the start, after the warm-up, and at the end.

    Args:
        seconds: duration.
        count: returns the number of results so far.
        processes: functions that return a process, by its name in the result.
        wait: waits for a second.
    """
    start = time.monotonic()
    times, counts = [], []
    memory: dict[str, list[float]] = {name: [] for name in processes}
    while time.monotonic() - start < seconds:
        wait()
        times.append(time.monotonic() - start)
        counts.append(count())
        for name, find in processes.items():
            process = find()
            memory[name].append(process.memory_full_info().uss / 1e6 if process else 0.0)
    first = [i for i, at in enumerate(times) if WARM_UP * seconds <= at <= (WARM_UP + SHARE) * seconds]
    last = [i for i, at in enumerate(times) if at >= (1 - SHARE) * seconds]

    def rate(rows: list[int]) -> float:
        return (counts[rows[-1]] - counts[rows[0]]) / (times[rows[-1]] - times[rows[0]])

    result: dict[str, Any] = {
        "minutes": round(seconds / 60, 1),
        "rate_at_start": round(rate(first), 1),
        "rate_at_end": round(rate(last), 1),
        "rate_kept": round(rate(last) / rate(first), 3),
    }
    for name, values in memory.items():
        early, late = (statistics.median(values[i] for i in rows) for rows in (first, last))
        result |= {f"{name}_mb": round(late), f"{name}_growth": round(late / early - 1, 3)}
    return result


def _print_errors(errors: list[str]) -> int:
    """Print error lines to standard error; return their number."""
    print(*errors, sep="\n", end="\n" if errors else "", file=sys.stderr)
    return len(errors)


def _find_tab() -> psutil.Process | None:
    """Return the largest renderer process of the browser that this process started."""
    tabs = [
        process
        for process in psutil.Process().children(recursive=True)
        if "--type=renderer" in " ".join(process.cmdline())
    ]
    return max(tabs, key=lambda process: process.memory_info().rss, default=None)


def find_errors(log: Path) -> list[str]:
    """Return the lines of a log file that report an error."""

    def is_error(line: str) -> bool:
        text = line.lower()
        return any(word in text for word in ERROR_WORDS) and not any(word in text for word in HARMLESS)

    return [line for line in log.read_text(errors="replace").splitlines() if is_error(line)]


if __name__ == "__main__":
    sys.exit(main())
