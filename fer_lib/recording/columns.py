"""The columns of a recording: one row a face and frame; a frame without faces is a row of its time and number."""

from __future__ import annotations

from typing import Any

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS

RAW = tuple(f"raw_{label}" for label in EMOTIONS)
SMOOTH = tuple(f"smooth_{label}" for label in EMOTIONS)
BOX = ("x1", "y1", "x2", "y2")
# time_s in seconds since the start, frame counted from 0, box in pixels, the rest in [0, 1];
# label is the most probable emotion after smoothing. raw is what the network said, also where a visitor's baseline
# is on: that is in smooth and in label alone.
COLUMNS = ("time_s", "frame", "track", *BOX, "confidence", "label", *RAW, *SMOOTH)

Person = dict[str, Any]


def describe_people(faces: Faces) -> list[Person]:
    """Return the faces of a frame as plain values: `track`, `box`, `confidence`, `label`, `raw` and `smooth`.

    Coordinates keep a tenth of a pixel, probabilities four places. Without smoothing, `raw` and `smooth` agree.

    Raises:
        ValueError: if `track_id` or `probabilities` is unknown.
    """
    if len(faces) == 0:
        return []
    if faces.track_id is None or faces.probabilities is None:
        raise ValueError("a recording needs `track_id` and `probabilities`; `pipeline.process` fills both")
    raw = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
    return [
        {
            "track": int(faces.track_id[row]),
            "box": [round(value, 1) for value in faces.xyxy[row].tolist()],
            "confidence": round(float(faces.confidence[row]), 4),
            "label": faces.labels[row],
            "raw": [round(value, 4) for value in raw[row].tolist()],
            "smooth": [round(value, 4) for value in faces.probabilities[row].tolist()],
        }
        for row in range(len(faces))
    ]


def flatten(time_s: float, frame: int, people: list[Person]) -> list[list[Any]]:
    """Return the rows of one frame in the order of `COLUMNS`; a frame without people is one row of `None`s."""
    if not people:
        return [[time_s, frame, *[None] * (len(COLUMNS) - 2)]]
    return [
        [time_s, frame, one["track"], *one["box"], one["confidence"], one["label"], *one["raw"], *one["smooth"]]
        for one in people
    ]
