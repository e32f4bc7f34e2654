"""Label of each face over time, in at most `MAX_SLOTS` time slots for a recording of any length."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

# When all slots are used, pairs are merged and the slot length doubles.
MAX_SLOTS = 240
FIRST_SLOT_S = 0.125

Run = tuple[float, float, str]


class Timelines:
    """Seconds by face, time slot and emotion.

    Attributes:
        slot_s: length of a slot in seconds; it doubles as the recording grows.
        end_s: end of the last interval added, in seconds since the start.
    """

    def __init__(self) -> None:
        self.slot_s = FIRST_SLOT_S
        self.end_s = 0.0
        self._faces: dict[int, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    def add(self, start_s: float, end_s: float, labels: Mapping[int, str]) -> None:
        """Add the labels by `track_id` from `start_s` to `end_s`, in seconds since the start; there may be none."""
        if end_s <= start_s:
            return
        self.end_s = max(self.end_s, end_s)
        while end_s > MAX_SLOTS * self.slot_s:
            self._halve()
        first, last = int(start_s / self.slot_s), int(end_s / self.slot_s)
        for slot in range(first, last + 1):
            seconds = min(end_s, (slot + 1) * self.slot_s) - max(start_s, slot * self.slot_s)
            if seconds > 0:
                for track_id, label in labels.items():
                    self._faces[track_id][slot][label] += seconds  # type: ignore[assignment]

    def runs(self, track_id: int) -> list[Run]:
        """Return the runs of a face: (from, to, label) in seconds, with the most frequent label of each slot.

        Adjacent slots with the same label are joined; an unknown `track_id` has no runs.
        """
        runs: list[Run] = []
        slots = self._faces.get(track_id, {})
        for slot in sorted(slots):
            start_s, end_s = slot * self.slot_s, min((slot + 1) * self.slot_s, round(self.end_s, 3))
            label = slots[slot].most_common(1)[0][0]
            if runs and runs[-1][1:] == (start_s, label):
                start_s = runs.pop()[0]
            runs.append((start_s, end_s, label))
        return runs

    def _halve(self) -> None:
        self.slot_s *= 2
        for track_id, slots in self._faces.items():
            merged: dict[int, Counter[str]] = defaultdict(Counter)
            for slot, seconds in slots.items():
                merged[slot // 2].update(seconds)
            self._faces[track_id] = merged
