"""Recordings are written frame by frame, into any text stream: a file of hours, or memory."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from fer_lib.drafts import draft
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording.columns import COLUMNS, describe_people, flatten

FORMAT = "fer recording"
VERSION = 1


class Recorder(Protocol):
    """What writes a recording."""

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame."""

    def finish(self) -> None:
        """Write what the end needs; the stream stays open."""


class CsvRecorder:
    """Rows of `COLUMNS`, one a face, with a header."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame, `time_s` after the start; no faces are normal."""
        self._rows.writerows(flatten(_checked(time_s), frame, describe_people(faces)))

    def finish(self) -> None:
        """Do nothing: a table may end anywhere."""


class JsonRecorder:
    """One object: the order of the `labels`, and `frames`, one a line, each with its `faces`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._between = "\n"
        head = json.dumps({"format": FORMAT, "version": VERSION, "labels": EMOTIONS})
        stream.write(f'{head[:-1]}, "frames": [')

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame, `time_s` after the start; no faces are normal."""
        line = {"time_s": _checked(time_s), "frame": frame, "faces": describe_people(faces)}
        self._stream.write(self._between + json.dumps(line))
        self._between = ",\n"

    def finish(self) -> None:
        """Close what the first line opened."""
        self._stream.write("\n]}\n")


KINDS: dict[str, type[CsvRecorder] | type[JsonRecorder]] = {".csv": CsvRecorder, ".json": JsonRecorder}


@contextmanager
def open_recording(path: Path | str) -> Iterator[Recorder]:
    """Write a recording to a file, as CSV or JSON by its suffix; it appears there when the block ends well.

    Raises:
        ValueError: if the suffix is neither.
        FileNotFoundError: if the folder is missing.
    """
    kind = KINDS[check_suffix(Path(path))]
    with draft(path) as half, half.open("w", encoding="utf-8", newline="") as stream:
        recorder = kind(stream)
        yield recorder
        recorder.finish()


def check_suffix(path: Path) -> str:
    """Return the suffix of a recording in small letters.

    Raises:
        ValueError: if it is neither `.csv` nor `.json`.
    """
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"a recording must end in .csv or .json, but got {path}")
    return path.suffix.lower()


def _checked(time_s: float) -> float:
    if not math.isfinite(time_s):
        raise ValueError(f"`time_s` must be a finite number of seconds, but got {time_s}")
    return round(float(time_s), 6)
