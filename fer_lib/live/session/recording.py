"""Recording of one visitor: numbers in memory, no images and no files."""

from __future__ import annotations

import io
from typing import Any

from fer_lib.faces import Faces
from fer_lib.live.session.messages import Message
from fer_lib.recording.durations import Tally
from fer_lib.recording.writing import CsvRecorder, JsonRecorder, Recorder

# Number of faces in the summary: those in view longest; the others are only counted.
MAX_FACES = 12
# Kinds of files to download.
FILE_KINDS: dict[str, Any] = {"csv": CsvRecorder, "json": JsonRecorder}


class Recording:
    """A recording in memory; a new one replaces it.

    Attributes:
        is_on: whether frames are being added.
        is_full: whether it was stopped at `max_rows`.
        frames: number of frames added.
        rows: number of rows: one per face, and one for a frame without faces.
    """

    def __init__(self, max_rows: int) -> None:
        self.max_rows = max_rows
        self.clear()

    def clear(self) -> None:
        """Stop and delete the recording."""
        self.is_on = self.is_full = False
        self.frames = self.rows = 0
        self._started_s = 0.0
        self._tally = Tally()
        self._texts = {kind: io.StringIO() for kind in FILE_KINDS}
        self._recorders: list[Recorder] = []

    def start(self) -> None:
        """Delete the former recording and start a new one."""
        self.clear()
        self._recorders = [FILE_KINDS[kind](text) for kind, text in self._texts.items()]
        self.is_on = True

    def stop(self) -> bool:
        """Stop recording, so that it can be read; return whether it was on."""
        if not self.is_on:
            return False
        for recorder in self._recorders:
            recorder.finish()
        self.is_on = False
        return True

    def add(self, time_s: float, faces: Faces) -> bool:
        """Add a frame captured at `time_s` on the stream's clock; return whether the recording was stopped as full."""
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
        """Return the recording as the text of a file, `csv` or `json`.

        Raises:
            ValueError: if the kind is unknown.
            RuntimeError: if it is still on, or nothing was recorded.
        """
        if kind not in FILE_KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(FILE_KINDS)}, but got {kind!r}")
        if self.is_on:
            raise RuntimeError("a recording must be stopped before it can be read, but it is still on")
        if not self.frames:
            raise RuntimeError("there must be a recording to read, but nothing was recorded")
        return self._texts[kind].getvalue()

    def describe(self) -> Message:
        """Return the state as a `recording` message: whether it is on, its size, and a summary of each face."""
        faces = sorted(self._tally.by_face(), key=lambda face: -face["seen_s"])
        span_s, timelines = self._tally.timelines()
        return {
            "type": "recording",
            "on": self.is_on,
            "full": self.is_full,
            "frames": self.frames,
            "rows": self.rows,
            "span_s": span_s,
            "total": self._tally.total(),
            "faces": [face | {"timeline": timelines[face["track_id"]]} for face in faces[:MAX_FACES]],
            "more": max(len(faces) - MAX_FACES, 0),
        }
