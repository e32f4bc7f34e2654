"""Measure the emotion network: ours in ONNX Runtime, and for comparison EfficientNet-B0 at 256 pixels in eager torch.

    python -m benchmarks.network
    python -m benchmarks.network --threads 1 --json

One face per run, both with the same number of threads, in alternating processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure
from fer_lib.settings import VisionSettings
from harness.reporting import add_reporting, report

ROUNDS = 3
WARM_UP = 10


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Compare the emotion network with the classical one.")
    parser.add_argument("--repeats", type=int, default=60, help="runs in each of three rounds (default: 60)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each network (default: 2)")
    add_reporting(parser)
    arguments = parser.parse_args()
    if min(arguments.repeats, arguments.threads) < 1:
        parser.error("--repeats and --threads must be at least 1")
    report(arguments, measure(arguments.repeats, arguments.threads), format_table, draw)


def measure(repeats: int, threads: int) -> dict[str, Any]:
    """Run both networks in alternating processes.

    Returns:
        `ours_ms` and `classical_ms`, `median` and `p95` of a run in milliseconds, and `ratio` of the medians.
    """
    times: dict[str, list[float]] = {name: [] for name in PATHS}
    context = multiprocessing.get_context("spawn")
    for _ in range(ROUNDS):
        for name, collected in times.items():
            with context.Pool(1) as pool:
                collected += pool.apply(time_runs, (name, repeats, threads))
    measured: dict[str, Any] = {"threads": threads, "_run_ms": times}
    for name, run_ms in times.items():
        median, p95 = np.percentile(run_ms, [50, 95])
        measured[f"{name}_ms"] = {"median": float(median), "p95": float(p95)}
    measured["ratio"] = measured["classical_ms"]["median"] / measured["ours_ms"]["median"]
    return measured


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    rows = [f"One face, {measured['threads']} threads", "", f"{'':<10}{'median':>12}{'p95':>12}"]
    for name in PATHS:
        rows.append(f"{name:<10}" + "".join(f"{measured[f'{name}_ms'][key]:9.2f} ms" for key in ("median", "p95")))
    return "\n".join([*rows, "", f"Ours is {measured['ratio']:.1f} times faster."])


def draw(measured: dict[str, Any]) -> Figure:
    """Draw the sorted run times."""
    figure, (axes,) = make_figure(1, 5, 3)
    for name, color in zip(PATHS, (ACCENT, SECOND), strict=True):
        run_ms = np.sort(measured["_run_ms"][name])
        axes.plot(np.linspace(0, 1, len(run_ms)), run_ms, color=color, label=name)
    axes.set(yscale="log", xlabel="share of the runs", ylabel="ms", title=f"{measured['ratio']:.1f} times faster")
    axes.legend(frameon=False, labelcolor=INK)
    return figure


def time_runs(name: str, repeats: int, threads: int) -> list[float]:
    """Return the run times in this process after the warm-up, in milliseconds."""
    run = PATHS[name](threads)
    times = []
    for _ in range(WARM_UP + repeats):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return times[WARM_UP:]


def _load_ours(threads: int) -> Callable[[], Any]:
    from fer_lib.vision.recognition import Recognizer

    recognizer = Recognizer(VisionSettings.load(threads=threads))
    spec = recognizer.spec
    crop = np.random.default_rng(0).integers(0, 256, (1, spec.size, spec.size, spec.channels), np.uint8)
    return lambda: recognizer.classify(crop)


def _load_classical(threads: int) -> Callable[[], Any]:
    import torch

    from benchmarks.classical import SIZE, build_network

    torch.set_num_threads(threads)
    network = build_network().eval()
    pixels = torch.rand(1, 3, SIZE, SIZE)

    def run() -> Any:
        with torch.inference_mode():
            return torch.softmax(network(pixels), 1)

    return run


PATHS: dict[str, Callable[[int], Callable[[], Any]]] = {"ours": _load_ours, "classical": _load_classical}


if __name__ == "__main__":
    main()
