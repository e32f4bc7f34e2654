"""Measure label flips, box jitter and delay of the pipeline on clips with ground truth.

    python -m benchmarks.stability
    python -m benchmarks.stability --seconds 30 --json

The pipeline processes clips of one face whose boxes and expressions are known, with the times of the clips (30 frames per
second), so that the results do not depend on the speed of the computer.
"""

from __future__ import annotations

import argparse
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import draw_stability
from fer_lib.boxes import box_centers, box_sizes
from fer_lib.settings import VisionSettings
from fer_lib.vision import load_pipeline
from harness.clips import Clip, compose_clip
from harness.reporting import add_reporting, report

RATE = 30
SMILE_S = 2.0  # seconds between two changes of the expression
WARM_UP = RATE  # frames
WAYS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "every frame classified": {"recognize_interval_s": 0, "cache_difference": 0},
    "no smoothing": {"smoothing_s": 0, "box_smoothing_s": 0, "recognize_interval_s": 0, "cache_difference": 0},
}
COLUMNS = {
    "still_flips_per_s": "flips, still",
    "moving_flips_per_s": "flips, moving",
    "still_jitter": "jitter, still",
    "moving_jitter": "jitter, moving",
    "box_lag": "box lag",
    "lag_s": "label lag",
    "worst_lag_s": "largest lag",
}


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Measure label flips, box jitter and delay.")
    parser.add_argument("--seconds", type=float, default=12, help="duration of each clip (default: 12)")
    add_reporting(parser)
    arguments = parser.parse_args()
    if arguments.seconds < 2 * SMILE_S:
        parser.error(f"--seconds must be at least {2 * SMILE_S:.0f}")
    measured = measure(arguments.seconds)
    report(arguments, measured, format_table, draw_stability)


def measure(seconds: float) -> dict[str, Any]:
    """Run the pipeline on the same clips with default settings, without caching, and without smoothing.

    Returns:
        `still_flips_per_s` and `moving_flips_per_s`, label changes per second although the expression is constant;
        `still_jitter` and `moving_jitter`, the mean movement of the box relative to the face between two frames, and
        `box_lag`, the median distance of a moving box from its position without smoothing, as shares of the side of the
        box; `lag_s` and `worst_lag_s`, the median and largest time from a change of the expression to the final label;
        and `ways`, the same for each set of settings.
    """
    frames = round(seconds * RATE)
    clips = {
        "still": compose_clip(frames, still=True),
        "moving": compose_clip(frames),
        "changing": compose_clip(frames, still=True, smile_s=SMILE_S),
    }
    ways = {name: _measure_way(clips, VisionSettings(**settings)) for name, settings in WAYS.items()}
    raw = ways["no smoothing"].pop("boxes")
    for way in ways.values():
        away = box_centers(way.pop("boxes", raw)) - box_centers(raw)
        way["box_lag"] = float(np.median(np.linalg.norm(away, axis=1) / box_sizes(raw).max(axis=1)))
    return {**ways["as it is"], "ways": ways}


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    rows = [f"{'':<23}" + "".join(f"{words:>15}" for words in COLUMNS.values())]
    for name, way in measured["ways"].items():
        cells = [
            f"{way[key]:.2f} s"
            if key.endswith("lag_s")
            else f"{way[key]:.2f} /s"
            if "flips" in key
            else f"{way[key]:.2%}"
            for key in COLUMNS
        ]
        rows.append(f"{name:<23}" + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join([*rows, "", "Jitter and box lag are shares of the side of the box."])


def _measure_way(clips: dict[str, Clip], settings: VisionSettings) -> dict[str, Any]:
    shown = {name: _run(clip, settings) for name, clip in clips.items()}
    delays = _delays(shown["changing"][1], clips["changing"].times_s)
    return {
        "still_flips_per_s": _flips(shown["still"][1]),
        "moving_flips_per_s": _flips(shown["moving"][1]),
        "still_jitter": _jitter(shown["still"][0], clips["still"]),
        "moving_jitter": _jitter(shown["moving"][0], clips["moving"]),
        "lag_s": float(np.median(delays)),
        "worst_lag_s": max(delays),
        "boxes": shown["moving"][0][WARM_UP:],
    }


def _run(clip: Clip, settings: VisionSettings) -> tuple[NDArray[np.float32], list[str]]:
    """Return the box of the face in every frame, `(n, 4)`, and its label.

    Raises:
        RuntimeError: if the face is lost after the first frame, or two are seen.
    """
    pipeline = load_pipeline(settings)
    found = [pipeline.process_jpeg(jpeg, time_s) for jpeg, time_s in zip(clip.jpegs, clip.times_s, strict=True)]
    if any(len(faces) != 1 or faces.track_id[0] != 1 for faces in found if faces.track_id is not None):
        raise RuntimeError("the face of the film must be one track from beginning to end, but it is not")
    return np.concatenate([faces.xyxy for faces in found]), [faces.labels[0] for faces in found]


def _flips(labels: list[str]) -> float:
    """Return how often a second the label changes, once it had time to settle."""
    settled = labels[WARM_UP:]
    changes = sum(first != second for first, second in itertools.pairwise(settled))
    return changes * RATE / max(len(settled), 1)


def _jitter(xyxy: NDArray[np.float32], clip: Clip) -> float:
    """Return the mean movement of the box relative to the face between two frames, as a share of its side."""
    away = box_centers(xyxy) - box_centers(clip.truth[:, 0])
    steps = np.linalg.norm(np.diff(away, axis=0), axis=1) / box_sizes(xyxy[1:]).max(axis=1)
    return float(steps[WARM_UP:].mean())


def _delays(labels: list[str], times_s: NDArray[np.float64]) -> list[float]:
    """Return for each change of the expression the time until the label is final.

    Raises:
        RuntimeError: if the label never changes.
    """
    phase = (times_s / SMILE_S).astype(int)
    delays = []
    for number in range(1, int(phase[-1]) + 1):
        rows = np.flatnonzero(phase == number)
        before, after = labels[rows[0] - 1], labels[rows[-1]]
        if before == after or len(rows) < SMILE_S * RATE / 2:
            continue
        settled = next(row for row in rows if all(label == after for label in labels[row : rows[-1] + 1]))
        delays.append(float(times_s[settled] - times_s[rows[0]]))
    if not delays:
        raise RuntimeError("the label must change with the expression, but it does not")
    return delays


if __name__ == "__main__":
    main()
