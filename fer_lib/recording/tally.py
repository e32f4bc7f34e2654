"""How long who showed what: time is added up frame by frame, so that hours need no memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording.timelines import Run, Timelines

# A frame speaks for the time until the next one, but for no longer than this: what a pause hides, nobody saw.
LONGEST_S = 1.0


class Tally:
    """Seconds by person and emotion.

    The last frame speaks for as long as the one before it.

    Attributes:
        frames: how many were added.
        duration_s: seconds that frames spoke for.
        nobody_s: those of them without any face.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.duration_s = 0.0
        self.nobody_s = 0.0
        self._seconds: dict[int, dict[str, float]] = {}
        self._last: tuple[float, dict[int, str]] | None = None
        self._step = 0.0
        self._timelines = Timelines()

    def add(self, time_s: float, faces: Faces) -> None:
        """Add a frame, taken `time_s` after the start; its faces have `track_id` and `probabilities`."""
        numbers = [] if faces.track_id is None else faces.track_id.tolist()
        self.add_labels(time_s, dict(zip(numbers, faces.labels, strict=True)))

    def add_labels(self, time_s: float, labels: Mapping[int, str]) -> None:
        """Add a frame by the label of each person in it; nobody is normal."""
        if self._last is not None:
            self._step = min(max(time_s - self._last[0], 0.0), LONGEST_S)
            self._count(*self._last, self._step)
        for number in labels:
            self._seconds.setdefault(number, dict.fromkeys(EMOTIONS, 0.0))
        self._last = (time_s, dict(labels))
        self.frames += 1

    def people(self) -> list[dict[str, Any]]:
        """Return one row a person, by number: `track`, `seen_s`, and the share of that time by emotion.

        The shares sum to 1, or are all 0 for a person who was seen for no time at all.
        """
        whole = self._with_last_frame()
        return [
            {"track": number, "seen_s": round(sum(seconds.values()), 3), **_shares(seconds)}
            for number, seconds in sorted(whole._seconds.items())
        ]

    def everyone(self) -> dict[str, Any]:
        """Return the same for all together: `duration_s`, `nobody_s`, and the share of each emotion.

        A second with two people counts for both.
        """
        whole = self._with_last_frame()
        total = {label: sum(seconds[label] for seconds in whole._seconds.values()) for label in EMOTIONS}
        return {"duration_s": round(whole.duration_s, 3), "nobody_s": round(whole.nobody_s, 3), **_shares(total)}

    def timelines(self) -> tuple[float, dict[int, list[Run]]]:
        """Return how long it was from the start to the end, pauses too, and when each person showed what.

        That is, by number, pieces of from, to and label, in seconds since the start.
        """
        whole = self._with_last_frame()
        return round(whole._timelines.end_s, 3), {number: whole._timelines.runs(number) for number in whole._seconds}

    def _with_last_frame(self) -> Tally:
        whole = copy.deepcopy(self)
        if self._last is not None:
            whole._count(*self._last, self._step)
        return whole

    def _count(self, time_s: float, labels: Mapping[int, str], seconds: float) -> None:
        self._timelines.add(time_s, time_s + seconds, labels)
        self.duration_s += seconds
        self.nobody_s += seconds if not labels else 0.0
        for number, label in labels.items():
            self._seconds[number][label] += seconds


def _shares(seconds: Mapping[str, float]) -> dict[str, float]:
    total = sum(seconds.values())
    return {label: round(value / total, 4) if total else 0.0 for label, value in seconds.items()}
