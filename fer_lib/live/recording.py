"""What the visitor records: numbers in memory, never pictures, never a file."""

from __future__ import annotations

import io
from typing import Any

from fer_lib.faces import Faces
from fer_lib.live.messages import Message
from fer_lib.recording.tally import Tally
from fer_lib.recording.writing import CsvRecorder, JsonRecorder, Recorder

# So many people are summed up by name; of the others only the number is told.
MAX_PEOPLE = 12
KINDS: dict[str, Any] = {"csv": CsvRecorder, "json": JsonRecorder}


class Recording:
    """One recording, kept in memory; a new one replaces it.

    Attributes:
        is_on: whether frames are added now.
        is_full: whether it ended because it had as many rows as it may have.
        frames: how many were added.
        rows: how many rows they made: one a face, and one for a frame without faces.
    """

    def __init__(self, max_rows: int) -> None:
        self.max_rows = max_rows
        self.forget()

    def forget(self) -> None:
        """Drop everything that was recorded."""
        self.is_on = self.is_full = False
        self.frames = self.rows = 0
        self._started_s = 0.0
        self._tally = Tally()
        self._texts = {kind: io.StringIO() for kind in KINDS}
        self._recorders: list[Recorder] = []

    def start(self) -> None:
        """Begin anew; what was recorded before is gone."""
        self.forget()
        self._recorders = [KINDS[kind](text) for kind, text in self._texts.items()]
        self.is_on = True

    def stop(self) -> bool:
        """End it, so that it can be read; say whether it was on."""
        if not self.is_on:
            return False
        for recorder in self._recorders:
            recorder.finish()
        self.is_on = False
        return True

    def add(self, time_s: float, faces: Faces) -> bool:
        """Add a frame taken at `time_s` on the stream's clock, if it is on; say whether this was one too many."""
        if not self.is_on:
            return False
        rows = max(len(faces), 1)
        if self.rows + rows > self.max_rows:
            self.is_full = self.stop()
            return True
        if not self.frames:
            self._started_s = time_s
        for recorder in self._recorders:
            recorder.write(time_s - self._started_s, self.frames, faces)
        self._tally.add(time_s - self._started_s, faces)
        self.frames += 1
        self.rows += rows
        return False

    def read(self, kind: str) -> str:
        """Return everything that was recorded as the text of a file, `csv` or `json`.

        Raises:
            ValueError: if there is no such kind.
            RuntimeError: if it is still on, or nothing was recorded.
        """
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}, but got {kind!r}")
        if self.is_on:
            raise RuntimeError("a recording must be stopped before it can be read, but it is still on")
        if not self.frames:
            raise RuntimeError("there must be a recording to read, but nothing was recorded")
        return self._texts[kind].getvalue()

    def describe(self) -> Message:
        """Return what the page tells of it: whether it is on, how much there is, and who showed what when."""
        people = sorted(self._tally.people(), key=lambda person: -person["seen_s"])
        span_s, timelines = self._tally.timelines()
        return {
            "type": "recording",
            "on": self.is_on,
            "full": self.is_full,
            "frames": self.frames,
            "rows": self.rows,
            "span_s": span_s,
            "everyone": self._tally.everyone(),
            "people": [person | {"timeline": timelines[person["track"]]} for person in people[:MAX_PEOPLE]],
            "more": max(len(people) - MAX_PEOPLE, 0),
        }
