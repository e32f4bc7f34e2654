"""Cache of classification results: faces whose crop has hardly changed keep their last probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import Pixels
from fer_lib.labels import EMOTIONS
from fer_lib.settings.vision import VisionSettings


@dataclass(frozen=True)
class Entry:
    """Cached result of a face: its crop, its probabilities `(7,)`, and the time of classification."""

    crop: Pixels
    probabilities: NDArray[np.float32]
    time_s: float


class ResultCache:
    """Last results of the emotion network by `track_id`.

    A new crop is compared with the crop that the result was computed from, so that slow changes accumulate.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._entries: dict[int, Entry] = {}

    def __len__(self) -> int:
        """Return the number of cached faces."""
        return len(self._entries)

    def stale(self, crops: Pixels, track_id: NDArray[np.int64], time_s: float) -> NDArray[np.bool_]:
        """Select the faces to classify in this frame: all new ones, and some known ones whose result is stale.

        A result is stale when the crop has changed, or after `cache_max_age_s`. Of the known faces, at most
        `recognize_at_once` are selected, those with the oldest results first, to limit the cost of a frame.

        Args:
            crops: `(n, size, size, channels)` uint8, the input of the network.
            track_id: `(n,)` of the faces.
            time_s: capture time of the frame in seconds on any clock.

        Returns:
            Mask `(n,)`.
        """
        entries = [self._entries.get(int(track)) for track in track_id]
        age_s = np.array([np.inf if entry is None else abs(time_s - entry.time_s) for entry in entries])
        stale = np.array(
            [
                entry is None or not self._is_fresh(entry, crop, time_s)
                for entry, crop in zip(entries, crops, strict=True)
            ],
            bool,
        )
        known = np.flatnonzero(stale & np.isfinite(age_s))
        oldest_first = known[np.argsort(-age_s[known], kind="stable")]
        stale[oldest_first[self._settings.recognize_at_once :]] = False
        return stale

    def store(
        self, crops: Pixels, track_id: NDArray[np.int64], probabilities: NDArray[np.float32], time_s: float
    ) -> None:
        """Store new results, row by row."""
        for crop, track, row in zip(crops, track_id, probabilities, strict=True):
            self._entries[int(track)] = Entry(crop.copy(), row, time_s)

    def read(self, track_id: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cached probabilities of faces, `(n, 7)`, and remove all other faces from the cache."""
        self._entries = {int(track): self._entries[int(track)] for track in track_id}
        rows = [entry.probabilities for entry in self._entries.values()]
        return np.array(rows, np.float32).reshape(-1, len(EMOTIONS))

    def _is_fresh(self, entry: Entry, crop: Pixels, time_s: float) -> bool:
        age_s = abs(time_s - entry.time_s)
        if age_s < self._settings.recognize_interval_s:
            return True
        if age_s >= self._settings.cache_max_age_s:
            return False
        return difference(crop, entry.crop) < self._settings.cache_difference


def difference(first: Pixels, second: Pixels) -> float:
    """Compute the mean absolute difference of two crops of the same shape, in grey levels."""
    return float(cv2.norm(first.reshape(-1), second.reshape(-1), cv2.NORM_L1)) / first.size
