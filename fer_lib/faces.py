"""The table of faces: one row per face, one more column after each stage.

frame ─detect→ xyxy, confidence, landmarks ─recognise→ +probabilities ─track→ +track_id ─smooth→ steadier
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import as_boxes
from fer_lib.labels import EMOTIONS

# Decimals in `Faces.to_records`, in JSON and CSV files and messages alike.
PIXEL_DECIMALS, CONFIDENCE_DECIMALS, PROBABILITY_DECIMALS = 2, 4, 6


@dataclass(frozen=True, eq=False)
class Faces:
    """All faces of one frame, as parallel arrays; a column that is `None` is not known yet.

    Attributes:
        xyxy: `(n, 4)` float32, corners in pixels of the frame.
        confidence: `(n,)` float32 in [0, 1], the score of the detector.
        landmarks: `(n, 5, 2)` float32, x and y in pixels of left eye, right eye, nose, left and right
            mouth corner; left and right as in the image.
        probabilities: `(n, 7)` float32 in the order of `EMOTIONS`; each row sums to 1.
        raw_probabilities: `(n, 7)`, the last output of the emotion network for each face, before neutral calibration
            and smoothing.
        track_id: `(n,)` int64, the same value for the same face over time.

    Raises:
        ValueError: if the columns differ in length or contain values out of range.
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    track_id: NDArray[np.int64] | None = None
    raw_probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        boxes = as_boxes(self.xyxy)
        n = len(boxes)
        object.__setattr__(self, "xyxy", boxes)
        self._set("confidence", np.float32, (n,))
        self._set("landmarks", np.float32, (n, 5, 2))
        self._set("probabilities", np.float32, (n, len(EMOTIONS)))
        self._set("raw_probabilities", np.float32, (n, len(EMOTIONS)))
        self._set("track_id", np.int64, (n,))
        _check_range("confidence", self.confidence)
        if self.landmarks is not None and not np.isfinite(self.landmarks).all():
            raise ValueError("`landmarks` must contain finite numbers, but got NaN or infinity")
        _check_probabilities("probabilities", self.probabilities)
        _check_probabilities("raw_probabilities", self.raw_probabilities)

    def _set(self, name: str, dtype: Any, shape: tuple[int, ...]) -> None:
        value = getattr(self, name)
        if value is None and name != "confidence":
            return
        array = np.asarray(value, dtype=dtype)
        if array.shape != shape:
            raise ValueError(f"`{name}` must have the shape {shape}, but got {array.shape}")
        object.__setattr__(self, name, array)

    @classmethod
    def empty(cls) -> Faces:
        """Return a table without rows, in which every column exists."""
        return cls(
            xyxy=np.zeros((0, 4), np.float32),
            confidence=np.zeros(0, np.float32),
            landmarks=np.zeros((0, 5, 2), np.float32),
            probabilities=np.zeros((0, len(EMOTIONS)), np.float32),
            track_id=np.zeros(0, np.int64),
            raw_probabilities=np.zeros((0, len(EMOTIONS)), np.float32),
        )

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: Any) -> Faces:
        """Select rows by a mask, a slice, a list of indices, or one index (the result is still a table)."""
        selected = np.atleast_1d(np.arange(len(self))[rows])
        columns: dict[str, Any] = {
            name: None if value is None else value[selected] for name, value in vars(self).items()
        }
        return Faces(**columns)

    def with_columns(self, **columns: Any) -> Faces:
        """Return the same faces with columns added or replaced."""
        return replace(self, **columns)

    @property
    def labels(self) -> list[str]:
        """Top-1 label of each face; empty while `probabilities` is unknown."""
        if self.probabilities is None:
            return []
        return [EMOTIONS[i] for i in self.probabilities.argmax(axis=1)]

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary of plain, rounded values per face, for JSON; unknown columns are left out.

        Keys: `track_id`, `xyxy`, `confidence`, `landmarks`, `label`, `probability` (of the label), `probabilities`
        and `raw_probabilities`, both as lists in the order of `EMOTIONS`.
        """
        columns: dict[str, list[Any]] = {
            "track_id": [] if self.track_id is None else self.track_id.tolist(),
            "xyxy": _round(self.xyxy.tolist(), PIXEL_DECIMALS),
            "confidence": _round(np.minimum(self.confidence, 1).tolist(), CONFIDENCE_DECIMALS),
            "landmarks": [] if self.landmarks is None else _round(self.landmarks.tolist(), PIXEL_DECIMALS),
            "label": self.labels,
            "probability": _round_probabilities(None if self.probabilities is None else self.probabilities.max(axis=1)),
            "probabilities": _round_probabilities(self.probabilities),
            "raw_probabilities": _round_probabilities(self.raw_probabilities),
        }
        return [{name: rows[i] for name, rows in columns.items() if rows} for i in range(len(self))]


def _check_probabilities(name: str, rows: NDArray[np.float32] | None) -> None:
    if rows is None:
        return
    _check_range(name, rows)
    if len(rows) and np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError(
            f"every row of `{name}` must sum to 1, but got {rows.sum(axis=1).min()} to {rows.sum(axis=1).max()}"
        )


def _check_range(name: str, values: NDArray[np.float32]) -> None:
    if not np.all((values >= 0) & (values <= 1 + 1e-4)):
        raise ValueError(f"`{name}` must lie in [0, 1], but got {values.min()} to {values.max()}")


def _round_probabilities(rows: NDArray[np.float32] | None) -> list[Any]:
    return [] if rows is None else _round(np.minimum(rows, 1).tolist(), PROBABILITY_DECIMALS)


def _round(value: Any, decimals: int) -> Any:
    return [_round(item, decimals) for item in value] if isinstance(value, list) else round(value, decimals)
