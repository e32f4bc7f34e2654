"""When who showed what: a few hundred slots of time for any length, so that hours need no more memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

# A recording has at most so many slots; when they are full, two become one.
MAX_SLOTS = 240
FIRST_SLOT_S = 0.125

Run = tuple[float, float, str]


class Timelines:
    """Seconds by person, slot of time and emotion.

    Attributes:
        slot_s: length of a slot in seconds; it doubles as the recording grows.
        end_s: where the last piece that was added ends, in seconds since the beginning.
    """

    def __init__(self) -> None:
        self.slot_s = FIRST_SLOT_S
        self.end_s = 0.0
        self._people: dict[int, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    def add(self, start_s: float, end_s: float, labels: Mapping[int, str]) -> None:
        """Add what each person showed from `start_s` to `end_s`, seconds since the beginning; nobody is normal."""
        if end_s <= start_s:
            return
        self.end_s = max(self.end_s, end_s)
        while end_s > MAX_SLOTS * self.slot_s:
            self._halve()
        first, last = int(start_s / self.slot_s), int(end_s / self.slot_s)
        for slot in range(first, last + 1):
            seconds = min(end_s, (slot + 1) * self.slot_s) - max(start_s, slot * self.slot_s)
            if seconds > 0:
                for number, label in labels.items():
                    self._people[number][slot][label] += seconds  # type: ignore[assignment]

    def runs(self, number: int) -> list[Run]:
        """Return what a person showed, as pieces of time: from, to, in seconds, and the label that most of it had.

        Neighbours have different labels, or a time between them in which the person was not seen; a person who
        was never seen has no pieces.
        """
        runs: list[Run] = []
        slots = self._people.get(number, {})
        for slot in sorted(slots):
            start_s, end_s = slot * self.slot_s, min((slot + 1) * self.slot_s, round(self.end_s, 3))
            label = slots[slot].most_common(1)[0][0]
            if runs and runs[-1][1:] == (start_s, label):
                start_s = runs.pop()[0]
            runs.append((start_s, end_s, label))
        return runs

    def _halve(self) -> None:
        self.slot_s *= 2
        for number, slots in self._people.items():
            merged: dict[int, Counter[str]] = defaultdict(Counter)
            for slot, seconds in slots.items():
                merged[slot // 2].update(seconds)
            self._people[number] = merged
