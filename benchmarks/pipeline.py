"""Measure the pipeline on a clip, with the classical pipeline for comparison.

    python -m benchmarks.pipeline
    python -m benchmarks.pipeline --faces 6 --frames 600 --json

A 640×480 clip of moving faces, from JPEG bytes to smoothed faces.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

import numpy as np

from benchmarks.costs import compare_boxes, measure_costs, measure_growth
from benchmarks.figures import draw_pipeline
from benchmarks.workers import PathRun, run_alternating
from fer_lib.boxes import iou
from harness.clips import Clip, compose_clip
from harness.reporting import add_reporting, report

NAMES = ("classical", "ours")
LONG = 20_000  # frames for the growth of memory
COSTS = {"faces_6_over_1": "six faces", "hd_over_vga": "one face at 1920×1080", "no_face_over_one": "no face"}
LOADS = 3  # fresh processes for the median of `load_s` and `memory_mb`


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Compare the pipeline with the classical one.")
    parser.add_argument("--frames", type=int, default=300, help="length of the clip (default: 300, ten seconds)")
    parser.add_argument("--faces", type=int, default=1, help="faces in every frame (default: 1)")
    parser.add_argument("--long", type=int, default=LONG, help=f"frames for the growth of memory (default: {LONG})")
    add_reporting(parser)
    arguments = parser.parse_args()
    if min(arguments.frames, arguments.faces, arguments.long) < 1:
        parser.error("--frames, --faces and --long must be at least 1")
    clip = compose_clip(arguments.frames, arguments.faces)
    measured = measure(clip) | measure_costs(arguments.frames) | {"growth_mb": measure_growth(clip, arguments.long)}
    report(arguments, measured, format_table, draw_pipeline)


def measure(clip: Clip) -> dict[str, Any]:
    """Run both pipelines on the clip in alternating blocks, and measure loading in fresh processes.

    Returns:
        `classical_ms` and `ours_ms` (median, mean, p95 and max of a frame in milliseconds); `ratio` of the medians and
        `mean_ratio`; `load_s` and `memory_mb` (see `benchmarks.loading`), and the same of the classical pipeline;
        `classical_found` and `ours_found`, the share of faces found, and `classical_iou` and `ours_iou`, their mean IoU with
        the ground truth; `worst_frame_ratio`, the classical median over our slowest frame; and `compare_boxes`.
    """
    loads = [_load_in_fresh_process(clip.jpegs[0]) for _ in range(LOADS)]
    paths = run_alternating({name: (name, clip) for name in NAMES})
    ours, classical = paths["ours"], paths["classical"]
    measured: dict[str, Any] = {"frames": len(clip), "faces": clip.truth.shape[1]}
    for name in NAMES:
        measured[f"{name}_ms"] = summarize(paths[name].frame_ms)
        measured |= _compare(name, paths[name], clip)
    measured["_frame_ms"] = {name: paths[name].frame_ms for name in NAMES}
    measured["ratio"] = classical.median_ms / ours.median_ms
    measured["mean_ratio"] = classical.mean_ms / ours.mean_ms
    measured["worst_frame_ratio"] = classical.median_ms / max(ours.frame_ms)
    measured |= compare_boxes(ours, classical)
    measured |= {key: statistics.median(load[key] for load in loads) for key in ("load_s", "memory_mb")}
    measured |= {f"classical_{key}": getattr(classical, key) for key in ("load_s", "memory_mb")}
    return measured


def summarize(frame_ms: list[float]) -> dict[str, float]:
    """Return median, mean, 95th percentile and maximum."""
    median, p95 = np.percentile(frame_ms, [50, 95])
    return {"median": float(median), "mean": float(np.mean(frame_ms)), "p95": float(p95), "max": max(frame_ms)}


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    faces = "one face" if measured["faces"] == 1 else f"{measured['faces']} faces"
    rows = [
        f"A 640×480 frame with {faces}, from JPEG bytes to smoothed faces; {measured['frames']} frames",
        "",
        f"{'':<10}{'median':>11}{'mean':>11}{'p95':>11}{'max':>11}{'found':>9}{'IoU':>7}{'load':>10}{'memory':>10}",
    ]
    for name in NAMES:
        times = "".join(f"{measured[f'{name}_ms'][key]:8.1f} ms" for key in ("median", "mean", "p95", "max"))
        of = "classical_" if name == "classical" else ""
        rows.append(
            f"{name:<10}{times}{measured[f'{name}_found']:9.1%}{measured[f'{name}_iou']:7.2f}"
            f"{measured[f'{of}load_s']:8.2f} s{measured[f'{of}memory_mb']:7.0f} MB"
        )
    rows += [
        "",
        f"Ours is {measured['ratio']:.1f} times faster, median over median, and {measured['mean_ratio']:.1f} times, mean over mean;",
    ]
    rows += [f"its slowest frame is {measured['worst_frame_ratio']:.1f} times faster than the classical median."]
    rows += [f"Recall of the classical boxes is {measured['recall']:.1%}, precision {measured['precision']:.1%}."]
    return "\n".join([*rows, *_format_costs(measured)])


def _format_costs(measured: dict[str, Any]) -> list[str]:
    if "growth_mb" not in measured:
        return []
    rows = ["", f"{'relative to one face':<30}{'mean':>9}{'median':>9}"]
    for name, words in COSTS.items():
        rows.append(f"{words:<30}{measured[name]:9.2f}{measured[f'{name}_median']:9.2f}")
    return [*rows, "", f"Memory grew by {measured['growth_mb']:.1f} MB."]


def _compare(name: str, path: PathRun, clip: Clip) -> dict[str, float]:
    """Compare boxes with the ground truth: a face counts as found at an IoU of at least 0.5."""
    shared = [iou(truth, boxes).max(axis=1, initial=0) for truth, boxes in zip(clip.truth, path.boxes, strict=True)]
    best = np.concatenate(shared)
    hit = best >= 0.5
    return {f"{name}_found": float(hit.mean()), f"{name}_iou": float(best[hit].mean()) if hit.any() else 0.0}


def _load_in_fresh_process(jpeg: bytes) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loading"]
    done = subprocess.run(command, input=jpeg, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
