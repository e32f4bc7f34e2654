"""Sum the seconds by face and emotion, frame by frame, in memory that does not grow with the number of frames."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording.timelines import Run, Timelines

# A frame counts until the next one, for at most this long: pauses are not counted.
MAX_FRAME_S = 1.0


class Tally:
    """Seconds by face and emotion.

    The last frame counts as long as the frame before it.

    Attributes:
        frames: number of frames added.
        duration_s: seconds counted in all.
        no_face_s: seconds counted without any face.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.duration_s = 0.0
        self.no_face_s = 0.0
        self._seconds: dict[int, dict[str, float]] = {}
        self._last: tuple[float, dict[int, str]] | None = None
        self._step = 0.0
        self._timelines = Timelines()

    def add(self, time_s: float, faces: Faces) -> None:
        """Add a frame, captured `time_s` after the start; its faces have `track_id` and `probabilities`."""
        track_ids = [] if faces.track_id is None else faces.track_id.tolist()
        self.add_labels(time_s, dict(zip(track_ids, faces.labels, strict=True)))

    def add_labels(self, time_s: float, labels: Mapping[int, str]) -> None:
        """Add a frame as label by `track_id`; it may be empty."""
        if self._last is not None:
            self._step = min(max(time_s - self._last[0], 0.0), MAX_FRAME_S)
            self._count(*self._last, self._step)
        for track_id in labels:
            self._seconds.setdefault(track_id, dict.fromkeys(EMOTIONS, 0.0))
        self._last = (time_s, dict(labels))
        self.frames += 1

    def by_face(self) -> list[dict[str, Any]]:
        """Return one row per face, ordered by `track_id`: `track_id`, `seen_s`, and the share of that time by emotion.

        The shares sum to 1, or are all 0 for a face with a duration of 0.
        """
        whole = self._with_last_frame()
        return [
            {"track_id": track_id, "seen_s": round(sum(seconds.values()), 3), **_shares(seconds)}
            for track_id, seconds in sorted(whole._seconds.items())
        ]

    def total(self) -> dict[str, Any]:
        """Return the sums over all faces: `duration_s`, `no_face_s`, and the share of each emotion.

        A second with two faces counts twice.
        """
        whole = self._with_last_frame()
        total = {label: sum(seconds[label] for seconds in whole._seconds.values()) for label in EMOTIONS}
        return {"duration_s": round(whole.duration_s, 3), "no_face_s": round(whole.no_face_s, 3), **_shares(total)}

    def timelines(self) -> tuple[float, dict[int, list[Run]]]:
        """Return the seconds from start to end, with pauses, and the runs of each face by `track_id`.

        A run is (from, to, label), in seconds since the start.
        """
        whole = self._with_last_frame()
        return round(whole._timelines.end_s, 3), {
            track_id: whole._timelines.runs(track_id) for track_id in whole._seconds
        }

    def _with_last_frame(self) -> Tally:
        whole = copy.deepcopy(self)
        if self._last is not None:
            whole._count(*self._last, self._step)
        return whole

    def _count(self, time_s: float, labels: Mapping[int, str], seconds: float) -> None:
        self._timelines.add(time_s, time_s + seconds, labels)
        self.duration_s += seconds
        self.no_face_s += seconds if not labels else 0.0
        for track_id, label in labels.items():
            self._seconds[track_id][label] += seconds


def _shares(seconds: Mapping[str, float]) -> dict[str, float]:
    total = sum(seconds.values())
    return {label: round(value / total, 4) if total else 0.0 for label, value in seconds.items()}
