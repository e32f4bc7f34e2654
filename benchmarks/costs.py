"""Cost of a frame with more faces, more pixels or no face, relative to one face at 640×480; growth of memory."""

from __future__ import annotations

import multiprocessing

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks import ours
from benchmarks.workers import PathRun, run_alternating
from fer_lib.boxes import box_sizes, iou
from harness.clips import Clip, compose_clip

SETTLED = 500  # frames after which memory must not grow
SMALLEST = 40.0  # pixels; smaller faces are not counted
Boxes = NDArray[np.float32]


def measure_costs(frames: int) -> dict[str, float]:
    """Run our pipeline on clips that differ in one property from the usual one, in alternating blocks.

    Returns:
        `faces_6_over_1`, `hd_over_vga` and `no_face_over_one`: ratios of the mean time per frame, because the work for
        many faces is distributed over several frames; and the ratios of the medians, with `_median` at the end.
    """
    clips = {
        "usual": compose_clip(frames, 1),
        "six": compose_clip(frames, 6),
        "hd": compose_clip(frames, 1, 1920, 1080),
        "none": compose_clip(frames, 0),
    }
    paths = run_alternating({name: ("ours", clip) for name, clip in clips.items()})
    clip_names = {"faces_6_over_1": "six", "hd_over_vga": "hd", "no_face_over_one": "none"}
    usual = paths["usual"]
    means = {name: paths[clip].mean_ms / usual.mean_ms for name, clip in clip_names.items()}
    medians = {f"{name}_median": paths[clip].median_ms / usual.median_ms for name, clip in clip_names.items()}
    return means | medians


def compare_boxes(ours: PathRun, classical: PathRun) -> dict[str, float]:
    """Compare the boxes of both pipelines frame by frame.

    Returns:
        `recall`, the share of the classical pipeline's boxes that ours has too (IoU of at least 0.5), and `precision`,
        the share of our boxes that the classical pipeline has too; boxes of at least 40 pixels.
    """
    return {
        "recall": _share_matched(classical.boxes, ours.boxes),
        "precision": _share_matched(ours.boxes, classical.boxes),
    }


def measure_growth(clip: Clip, frames: int) -> float:
    """Return the growth of memory (RSS, MB) in a fresh process from frame 500 to frame `frames`."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(run_long, (clip, frames)))


def run_long(clip: Clip, frames: int) -> float:
    """Run our pipeline in this process; return the growth of its memory (RSS, MB) after frame 500."""
    process_jpeg = ours.load_path()
    process, settled = psutil.Process(), 0
    for number in range(frames):
        process_jpeg(clip.jpegs[number % len(clip)], number / 30)
        if number == min(SETTLED, frames - 1):
            settled = process.memory_info().rss
    return (process.memory_info().rss - settled) / 1e6


def _share_matched(boxes_of_frames: list[Boxes], others_of_frames: list[Boxes]) -> float:
    matched = total = 0
    for boxes, others in zip(boxes_of_frames, others_of_frames, strict=True):
        large = boxes[box_sizes(boxes).min(axis=1) >= SMALLEST] if len(boxes) else boxes
        total += len(large)
        matched += int((iou(large, others).max(axis=1, initial=0) >= 0.5).sum())
    return matched / total if total else 1.0
