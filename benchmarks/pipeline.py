"""How fast one frame becomes faces with emotions, beside the classical path.

    python -m benchmarks.pipeline
    python -m benchmarks.pipeline --faces 6 --frames 600 --json

A 640×480 clip of wandering faces, from JPEG bytes to smoothed faces.
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
from benchmarks.workers import PathRun, take_turns
from fer_lib.boxes import iou
from harness.clips import Clip, compose_clip
from harness.reporting import add_reporting, report

NAMES = ("classical", "ours")
LONG = 20_000  # frames after which memory must not have grown
COSTS = {"faces_6_over_1": "six faces", "hd_over_vga": "one face at 1920×1080", "no_face_over_one": "no face"}
LOADS = 3  # fresh processes of which the median is taken


def main() -> None:
    """Measure and print from the shell."""
    parser = argparse.ArgumentParser(description="Measure the pipeline beside the classical path.")
    parser.add_argument("--frames", type=int, default=300, help="length of the clip (default: 300, ten seconds)")
    parser.add_argument("--faces", type=int, default=1, help="faces in every frame (default: 1)")
    parser.add_argument("--long", type=int, default=LONG, help=f"frames to watch the memory for (default: {LONG})")
    add_reporting(parser)
    arguments = parser.parse_args()
    if min(arguments.frames, arguments.faces, arguments.long) < 1:
        parser.error("--frames, --faces and --long must be at least 1")
    clip = compose_clip(arguments.frames, arguments.faces)
    measured = measure(clip) | measure_costs(arguments.frames) | {"growth_mb": measure_growth(clip, arguments.long)}
    report(arguments, measured, describe, draw_pipeline)


def measure(clip: Clip) -> dict[str, Any]:
    """Run both paths on the clip, in turns, and loading by itself.

    Returns:
        `classical_ms` and `ours_ms` (median, mean, p95 and max of a frame in milliseconds), `ratio` of the medians and `mean_ratio`, `load_s`
        and `memory_mb` (see `benchmarks.loading`), the same two of the classical path, how much of all faces each found
        and their mean overlap (IoU) with the truth; `worst_frame_ratio`, the classical median over our slowest frame;
        and what `compare_boxes` says.
    """
    loads = [_load_afresh(clip.jpegs[0]) for _ in range(LOADS)]
    paths = take_turns({name: (name, clip) for name in NAMES})
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


def describe(measured: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
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
    rows += [f"its slowest frame was {measured['worst_frame_ratio']:.1f} times faster than the usual classical one."]
    rows += [
        f"It has {measured['recall']:.1%} of the classical path's boxes, and {measured['precision']:.1%} of ours are there."
    ]
    return "\n".join([*rows, *_describe_costs(measured)])


def _describe_costs(measured: dict[str, Any]) -> list[str]:
    if "growth_mb" not in measured:
        return []
    rows = ["", f"{'against one face at 640×480':<30}{'mean':>9}{'median':>9}"]
    for name, words in COSTS.items():
        rows.append(f"{words:<30}{measured[name]:9.2f}{measured[f'{name}_median']:9.2f}")
    return [*rows, "", f"Memory grew by {measured['growth_mb']:.1f} MB."]


def _compare(name: str, path: PathRun, clip: Clip) -> dict[str, float]:
    """Compare what a path found with the truth: a face is found if a box overlaps it by half."""
    shared = [iou(truth, boxes).max(axis=1, initial=0) for truth, boxes in zip(clip.truth, path.boxes, strict=True)]
    best = np.concatenate(shared)
    hit = best >= 0.5
    return {f"{name}_found": float(hit.mean()), f"{name}_iou": float(best[hit].mean()) if hit.any() else 0.0}


def _load_afresh(picture: bytes) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loading"]
    answer = subprocess.run(command, input=picture, stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
