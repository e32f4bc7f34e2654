"""Measure the live page in Chromium with a synthetic camera of 30 frames per second.

    python -m benchmarks.live
    python -m benchmarks.live --seconds 30 --json
    python -m benchmarks.live --lab                   in JupyterLab
    python -m benchmarks.live --usual-connection      without `fer_lib.live.server.connection`

The server runs as with `make app`.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from benchmarks.figures import draw_live
from fer_lib.boxes import iou
from harness.browser import LivePage, open_camera_browser
from harness.reporting import add_reporting, report
from harness.servers import NOTEBOOK, serve_jupyter, serve_voila
from harness.synthetic_camera import FRAMES, face_box

USUAL = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
SETTLE_RESULTS = 30  # results before the measurement begins


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Measure the live page in Chromium.")
    parser.add_argument("--seconds", type=float, default=10, help="duration (default: 10)")
    parser.add_argument("--lab", action="store_true", help="open the notebook in JupyterLab instead of the page")
    parser.add_argument("--usual-connection", action="store_true", help="leave TCP_NODELAY off, for comparison")
    add_reporting(parser)
    arguments = parser.parse_args()
    if arguments.seconds < 1:
        parser.error("--seconds must be at least 1")
    if arguments.lab and arguments.usual_connection:
        parser.error("--usual-connection must not be combined with --lab")
    options = (f"--Voila.kernel_websocket_connection_class={USUAL}",) if arguments.usual_connection else ()
    measured = measure_lab(arguments.seconds) if arguments.lab else measure(arguments.seconds, options)
    report(arguments, measured, format_table, draw_live)


def measure(seconds: float, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Stream from one page, then load a second page.

    Args:
        seconds: duration of the stream.
        options: more options of Voila.

    Returns:
        `results_per_s`; `frame_to_overlay_ms`, from the arrival of a frame in the browser until its boxes are drawn, and
        `round_trip_ms` from sending a frame to its result (`median` and `p95`); `overlap`, the median IoU of the drawn
        box and the face in the video at that moment; `page_ready_s`, from the first request until Start is enabled, and
        `first_page_ready_s`, the same for the first visitor after the start of the server.

    Raises:
        FileNotFoundError: if Chromium is not installed.
    """
    with open_camera_browser() as browser, serve_voila(options=options) as url:
        results, first_ready_s = _record_results(browser, url, seconds)
        ready_s = _load_page(browser, url)
    return _summarize_results(results) | {"page_ready_s": ready_s, "first_page_ready_s": first_ready_s}


def measure_lab(seconds: float) -> dict[str, Any]:
    """Measure the same in JupyterLab after all cells have run; loading times are not measured."""
    with open_camera_browser() as browser, serve_jupyter("lab") as url:
        results, _ = _record_results(browser, f"{url}lab/tree/{NOTEBOOK}", seconds, in_lab=True)
    return _summarize_results(results)


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    rows = ["The live page in Chromium, a 640×480 camera of 30 frames per second with one moving face", ""]
    rows.append("                              median       p95")
    for name, words in (("frame_to_overlay_ms", "from frame to overlay"), ("round_trip_ms", "to the kernel and back")):
        rows.append(f"{words:<24}{measured[name]['median']:9.1f} ms{measured[name]['p95']:7.1f} ms")
    rows.append("")
    rows.append(f"results per second      {measured['results_per_s']:9.1f}      of {measured['results']} results")
    rows.append(
        f"overlap with the face   {measured['overlap']:9.2f}      IoU with the face in the video at that moment"
    )
    if "page_ready_s" in measured:
        rows.append(f"Start is enabled        {measured['page_ready_s']:9.1f} s    after the navigation started")
        rows.append(f"  for the first visitor {measured['first_page_ready_s']:9.1f} s")
    return "\n".join(rows)


def _load_page(browser: Browser, url: str) -> float:
    page = LivePage(browser, url)
    try:
        return page.wait_until_ready()
    finally:
        page.close()


def _record_results(
    browser: Browser, url: str, seconds: float, in_lab: bool = False
) -> tuple[list[dict[str, Any]], float]:
    page = LivePage(browser, url, viewport={"width": 1280, "height": 800})
    try:
        if in_lab:
            page.run_all_cells()
        ready_s = page.wait_until_ready()
        page.press("Start")
        page.wait_for_results(SETTLE_RESULTS)
        page.record_results()
        page.page.wait_for_timeout(1000 * seconds)
        results = page.pop_results()
    finally:
        page.close()
    if len(results) < 2:
        raise RuntimeError(f"the page must show at least two results, but got {len(results)} in {seconds} seconds")
    return results, ready_s


def _summarize_results(results: list[dict[str, Any]]) -> dict[str, Any]:
    drawn_s = np.array([result["drawn_at_ms"] for result in results]) / 1000
    late_ms = [result["frame_to_overlay_ms"] for result in results]
    return {
        "results": len(results),
        "results_per_s": float((len(results) - 1) / np.ptp(drawn_s)),
        "frame_to_overlay_ms": _summarize(results, "frame_to_overlay_ms"),
        "round_trip_ms": _summarize(results, "round_trip_ms"),
        "overlap": _overlap(results),
        "_overlays": list(zip((drawn_s - drawn_s[0]).tolist(), late_ms, strict=True)),
    }


def _summarize(results: list[dict[str, Any]], name: str) -> dict[str, float]:
    median, p95 = np.percentile([result[name] for result in results], [50, 95])
    return {"median": float(median), "p95": float(p95)}


def _overlap(results: list[dict[str, Any]]) -> float:
    shared = [0.0]
    for result in results:
        if 0 <= result["frame"] < FRAMES:
            boxes = np.array([face["xyxy"] for face in result["faces"]], np.float32).reshape(-1, 4)
            shared.append(float(iou(boxes, face_box(result["frame"])[None]).max(initial=0)))
    return float(np.median(shared))


if __name__ == "__main__":
    main()
