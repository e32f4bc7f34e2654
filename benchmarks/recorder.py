"""Measure the usual recipe for comparison: ipywebrtc's ImageRecorder in a loop with our pipeline.

    python -m benchmarks.recorder
    python -m benchmarks.recorder --seconds 30 --json

The recipe requests a snapshot, waits until it arrives in the kernel, processes it, and requests the next one. Compare it with
`python -m benchmarks.live`: the same browser, camera and pipeline.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from matplotlib.figure import Figure
from playwright.sync_api import Page

from fer_lib.plots.style import ACCENT, make_figure
from harness.browser import TIMEOUT_S, open_camera_browser
from harness.reporting import add_reporting, report
from harness.servers import serve_voila

METADATA = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
TEMPLATE = "--VoilaConfiguration.template=lab"
RECIPE = """
import time
from ipywebrtc import CameraStream, ImageRecorder
from ipywidgets import Button, Label, VBox
from fer_lib.vision import load_pipeline

pipeline = load_pipeline()
camera = CameraStream(constraints={"audio": False, "video": {"width": 640, "height": 480}})
recorder = ImageRecorder(stream=camera, format="jpeg")
count = Label("0").add_class("recipe-count")

def on_snapshot(change):
    if change["new"] or not recorder.image.value:
        return
    pipeline.process_jpeg(recorder.image.value, time.monotonic())
    count.value = str(int(count.value) + 1)
    recorder.recording = True

recorder.observe(on_snapshot, "recording")
start = Button(description="Start")
start.on_click(lambda _: recorder.set_trait("recording", True))
VBox([camera, recorder, count, start])
"""


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Measure the usual recipe, an ImageRecorder in a loop, in Chromium.")
    parser.add_argument("--seconds", type=float, default=20, help="duration (default: 20)")
    add_reporting(parser)
    arguments = parser.parse_args()
    if arguments.seconds < 1:
        parser.error("--seconds must be at least 1")
    report(arguments, measure(arguments.seconds), format_table, draw)


def measure(seconds: float) -> dict[str, Any]:
    """Serve a notebook with the recipe and count its results.

    Returns:
        `results` and `results_per_s`.

    Raises:
        FileNotFoundError: if Chromium is not installed.
    """
    with tempfile.TemporaryDirectory() as folder, open_camera_browser() as browser:
        notebook = Path(folder, "recipe.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(RECIPE)], metadata=METADATA), notebook)
        # The template of the live page expects text in the first cell.
        with serve_voila(notebook, options=(TEMPLATE,)) as url:
            page = browser.new_page()
            page.goto(url, timeout=1000 * TIMEOUT_S)
            counts = _count_results(page, seconds)
    return {"results": counts[-1], "results_per_s": counts[-1] / seconds, "_counts": counts}


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    return f"An ImageRecorder in a loop: {measured['results_per_s']:.1f} results per second."


def draw(measured: dict[str, Any]) -> Figure:
    """Draw the number of results over time."""
    figure, (axes,) = make_figure(1, 5, 3)
    axes.step(np.arange(len(measured["_counts"])), measured["_counts"], color=ACCENT)
    axes.set(xlabel="seconds", ylabel="results", title=f"{measured['results_per_s']:.1f} results per second")
    return figure


def _count_results(page: Page, seconds: float) -> list[int]:
    """Return the number of results after the first one, once a second."""
    label = page.locator(".recipe-count")
    label.wait_for(timeout=1000 * TIMEOUT_S)
    page.wait_for_timeout(2000)  # until the camera delivers frames
    page.get_by_role("button", name="Start").click()
    page.wait_for_function(
        "() => Number(document.querySelector('.recipe-count').textContent) > 0", timeout=1000 * TIMEOUT_S
    )
    first = int(label.inner_text())
    counts = [0]
    for _ in range(round(seconds)):
        page.wait_for_timeout(1000)
        counts.append(int(label.inner_text()) - first)
    return counts


if __name__ == "__main__":
    main()
