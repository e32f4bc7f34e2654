"""What makes a frame of our path dearer: more faces, more pixels, no face at all; and whether memory grows."""

from __future__ import annotations

import multiprocessing

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks import ours
from benchmarks.workers import PathRun, take_turns
from fer_lib.boxes import box_sizes, iou
from harness.clips import Clip, compose_clip

SETTLED = 500  # frames after which memory should stay as it is
SMALLEST = 40.0  # pixels; smaller faces count neither as found nor as missed
Boxes = NDArray[np.float32]


def measure_costs(frames: int) -> dict[str, float]:
    """Run our path on clips that differ from the usual one in one thing each, in turns.

    Returns:
        `faces_6_over_1`, `hd_over_vga` and `no_face_over_one`: what a frame costs on average, as ratios, for the work of
        a crowd is spread over its frames; and the same of the medians, with `_median` at the end.
    """
    clips = {
        "usual": compose_clip(frames, 1),
        "six": compose_clip(frames, 6),
        "hd": compose_clip(frames, 1, 1920, 1080),
        "none": compose_clip(frames, 0),
    }
    paths = take_turns({name: ("ours", clip) for name, clip in clips.items()})
    dearer = {"faces_6_over_1": "six", "hd_over_vga": "hd", "no_face_over_one": "none"}
    usual = paths["usual"]
    means = {name: paths[clip].mean_ms / usual.mean_ms for name, clip in dearer.items()}
    medians = {f"{name}_median": paths[clip].median_ms / usual.median_ms for name, clip in dearer.items()}
    return means | medians


def compare_boxes(ours: PathRun, classical: PathRun) -> dict[str, float]:
    """Compare the boxes of both paths frame by frame.

    Returns:
        `recall`, the share of the classical path's faces that ours found too (IoU of at least 0.5), and `precision`,
        the share of ours that the classical path found too; of faces of at least 40 pixels.
    """
    return {"recall": _share_met(classical.boxes, ours.boxes), "precision": _share_met(ours.boxes, classical.boxes)}


def measure_growth(clip: Clip, frames: int) -> float:
    """Return by how many millions of bytes a process that does nothing else grew from frame 500 to the end of `frames` frames."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(run_long, (clip, frames)))


def run_long(clip: Clip, frames: int) -> float:
    """Run our path in this process, and return by how much its resident memory (RSS) grew, in millions of bytes."""
    process_jpeg = ours.load_path()
    process, settled = psutil.Process(), 0
    for number in range(frames):
        process_jpeg(clip.jpegs[number % len(clip)], number / 30)
        if number == min(SETTLED, frames - 1):
            settled = process.memory_info().rss
    return (process.memory_info().rss - settled) / 1e6


def _share_met(asked: list[Boxes], there: list[Boxes]) -> float:
    met = total = 0
    for boxes, others in zip(asked, there, strict=True):
        large = boxes[box_sizes(boxes).min(axis=1) >= SMALLEST] if len(boxes) else boxes
        total += len(large)
        met += int((iou(large, others).max(axis=1, initial=0) >= 0.5).sum())
    return met / total if total else 1.0
