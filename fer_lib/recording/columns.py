"""Columns of a recording: one row per face and frame; a frame without faces is one row with its time and index only."""

from __future__ import annotations

from typing import Any

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS

RAW = tuple(f"raw_{label}" for label in EMOTIONS)
SMOOTH = tuple(f"smooth_{label}" for label in EMOTIONS)
BOX = ("x1", "y1", "x2", "y2")
# time_s in seconds since the start, frame counted from 0, box corners in pixels, the rest in [0, 1]. raw is the network's
# output; smooth is calibrated and smoothed, and label is its most probable emotion.
COLUMNS = ("time_s", "frame", "track_id", *BOX, "confidence", "label", *RAW, *SMOOTH)

FaceRecord = dict[str, Any]


def to_face_records(faces: Faces) -> list[FaceRecord]:
    """Return the faces of a frame as `Faces.to_records` does, without landmarks and with both kinds of probabilities.

    Where the network's output was not kept, `raw_probabilities` equal `probabilities`.

    Raises:
        ValueError: if `track_id` or `probabilities` is unknown.
    """
    if len(faces) == 0:
        return []
    if faces.track_id is None or faces.probabilities is None:
        raise ValueError("a recording needs `track_id` and `probabilities`; `pipeline.process` fills both")
    raw = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
    return faces.with_columns(landmarks=None, raw_probabilities=raw).to_records()


def flatten(time_s: float, frame: int, records: list[FaceRecord]) -> list[list[Any]]:
    """Return the rows of one frame in the order of `COLUMNS`; without faces, one row padded with `None`."""
    if not records:
        return [[time_s, frame, *[None] * (len(COLUMNS) - 2)]]
    rows = []
    for one in records:
        head = [time_s, frame, one["track_id"], *one["xyxy"], one["confidence"], one["label"]]
        rows.append([*head, *one["raw_probabilities"], *one["probabilities"]])
    return rows
