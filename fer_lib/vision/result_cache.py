"""A face that has hardly changed needs no new look: its last probabilities are used again."""

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
    """What the network said of a face: its crop, the probabilities `(7,)`, and when."""

    crop: Pixels
    probabilities: NDArray[np.float32]
    time_s: float


class ResultCache:
    """The last results of the network, by `track_id`.

    A result is compared with the crop it was computed from, so that slow changes add up and are seen.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._entries: dict[int, Entry] = {}

    def __len__(self) -> int:
        """Return how many faces are remembered."""
        return len(self._entries)

    def stale(self, crops: Pixels, track_id: NDArray[np.int64], time_s: float) -> NDArray[np.bool_]:
        """Say which faces the network should look at now, `(n,)`: all new ones, and a few that need it again.

        A known face needs it when it has changed, or was looked at too long ago. A crowd would cost one network
        per face and frame, so only `recognize_at_once` of them get it, those that have waited the longest.

        Args:
            crops: `(n, size, size, channels)` uint8, the faces as the network sees them.
            track_id: `(n,)` their numbers.
            time_s: when the frame was taken, in seconds on any clock.
        """
        entries = [self._entries.get(int(number)) for number in track_id]
        waited_s = np.array([np.inf if entry is None else abs(time_s - entry.time_s) for entry in entries])
        stale = np.array(
            [
                entry is None or not self._is_fresh(entry, crop, time_s)
                for entry, crop in zip(entries, crops, strict=True)
            ],
            bool,
        )
        known = np.flatnonzero(stale & np.isfinite(waited_s))
        longest_first = known[np.argsort(-waited_s[known], kind="stable")]
        stale[longest_first[self._settings.recognize_at_once :]] = False
        return stale

    def store(
        self, crops: Pixels, track_id: NDArray[np.int64], probabilities: NDArray[np.float32], time_s: float
    ) -> None:
        """Remember new results, row by row."""
        for crop, number, row in zip(crops, track_id, probabilities, strict=True):
            self._entries[int(number)] = Entry(crop.copy(), row, time_s)

    def read(self, track_id: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is remembered of faces in view, `(n, 7)`, and forget all others."""
        self._entries = {int(number): self._entries[int(number)] for number in track_id}
        rows = [entry.probabilities for entry in self._entries.values()]
        return np.array(rows, np.float32).reshape(-1, len(EMOTIONS))

    def _is_fresh(self, entry: Entry, crop: Pixels, time_s: float) -> bool:
        waited_s = abs(time_s - entry.time_s)
        if waited_s < self._settings.recognize_interval_s:
            return True
        if waited_s >= self._settings.cache_max_age_s:
            return False
        return difference(crop, entry.crop) < self._settings.cache_difference


def difference(first: Pixels, second: Pixels) -> float:
    """Return how much two crops of one shape differ: the mean absolute difference in grey levels."""
    return float(cv2.norm(first.reshape(-1), second.reshape(-1), cv2.NORM_L1)) / first.size
