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

from benchmarks.clips import Clip, compose_clip
from benchmarks.workers import Turn, Worker
from fer_lib.boxes import overlap

NAMES = ("classical", "ours")
BLOCK = 30  # frames a path runs before it is the other's turn
LOADS = 3  # fresh processes of which the median is taken


def main() -> None:
    """Measure and print from the shell."""
    parser = argparse.ArgumentParser(description="Measure the pipeline beside the classical path.")
    parser.add_argument("--frames", type=int, default=300, help="length of the clip (default: 300, ten seconds)")
    parser.add_argument("--faces", type=int, default=1, help="faces in every frame (default: 1)")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line of its own")
    arguments = parser.parse_args()
    if arguments.frames < 1 or arguments.faces < 1:
        parser.error("--frames and --faces must be at least 1")
    measured = measure(compose_clip(arguments.frames, arguments.faces))
    print(describe(measured))
    if arguments.json:
        print(json.dumps(measured))


def measure(clip: Clip) -> dict[str, Any]:
    """Run both paths on the clip, in turns, and loading by itself.

    Returns:
        `classical_ms` and `ours_ms` (median, p95 and max of a frame in milliseconds), `ratio` of the medians, `load_s`
        and `memory_mb` (see `benchmarks.loading`), the same two of the classical path, how much of all faces each found
        and their mean overlap (IoU) with the truth.
    """
    loads = [_load_afresh(clip.jpegs[0]) for _ in range(LOADS)]
    workers = {name: Worker(name, clip) for name in NAMES}
    try:
        turns = _take_turns(workers, clip)
    finally:
        for worker in workers.values():
            worker.close()
    measured: dict[str, Any] = {"frames": len(clip), "faces": clip.truth.shape[1]}
    for name in NAMES:
        measured[f"{name}_ms"] = summarize([ms for turn in turns[name] for ms in turn.frame_ms])
        measured |= _compare(name, turns[name], clip)
    measured["ratio"] = measured["classical_ms"]["median"] / measured["ours_ms"]["median"]
    measured |= {key: statistics.median(load[key] for load in loads) for key in ("load_s", "memory_mb")}
    measured |= {f"classical_{key}": getattr(workers["classical"], key) for key in ("load_s", "memory_mb")}
    return measured


def summarize(frame_ms: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and maximum."""
    median, p95 = np.percentile(frame_ms, [50, 95])
    return {"median": float(median), "p95": float(p95), "max": max(frame_ms)}


def describe(measured: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
    faces = "one face" if measured["faces"] == 1 else f"{measured['faces']} faces"
    rows = [
        f"A 640×480 frame with {faces}, from JPEG bytes to smoothed faces; {measured['frames']} frames",
        "",
        f"{'':<10}{'median':>11}{'p95':>11}{'max':>11}{'found':>9}{'IoU':>7}{'load':>10}{'memory':>10}",
    ]
    for name in NAMES:
        times = "".join(f"{measured[f'{name}_ms'][key]:8.1f} ms" for key in ("median", "p95", "max"))
        of = "classical_" if name == "classical" else ""
        rows.append(
            f"{name:<10}{times}{measured[f'{name}_found']:9.1%}{measured[f'{name}_iou']:7.2f}"
            f"{measured[f'{of}load_s']:8.2f} s{measured[f'{of}memory_mb']:7.0f} MB"
        )
    return "\n".join([*rows, "", f"Ours is {measured['ratio']:.1f} times faster, median over median."])


def _take_turns(workers: dict[str, Worker], clip: Clip) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {name: [] for name in workers}
    for start in range(0, len(clip), BLOCK):
        for name, worker in workers.items():
            turns[name].append(worker.run(start, min(start + BLOCK, len(clip))))
    return turns


def _compare(name: str, turns: list[Turn], clip: Clip) -> dict[str, float]:
    """Compare what a path found with the truth: a face is found if a box overlaps it by half."""
    found = [boxes for turn in turns for boxes in turn.boxes]
    shared = [overlap(truth, boxes).max(axis=1, initial=0) for truth, boxes in zip(clip.truth, found, strict=True)]
    best = np.concatenate(shared)
    hit = best >= 0.5
    return {f"{name}_found": float(hit.mean()), f"{name}_iou": float(best[hit].mean()) if hit.any() else 0.0}


def _load_afresh(picture: bytes) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loading"]
    answer = subprocess.run(command, input=picture, stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
