"""Write recordings frame by frame to any text stream."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from fer_lib.atomic_write import atomic_write
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording.columns import COLUMNS, flatten, to_face_records

FORMAT = "fer recording"
VERSION = 2


class Recorder(Protocol):
    """Writer of a recording."""

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame."""

    def finish(self) -> None:
        """Write the footer of the recording; the stream stays open."""


class CsvRecorder:
    """CSV with a header and one row of `COLUMNS` per face."""

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame, `time_s` after the start; it may have no faces."""
        self._rows.writerows(flatten(_validate_time(time_s), frame, to_face_records(faces)))

    def finish(self) -> None:
        """Do nothing: CSV has no footer."""


class JsonRecorder:
    """One JSON object: the order of the `labels`, and `frames`, one per line, each with its `faces`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._separator = "\n"
        head = json.dumps({"format": FORMAT, "version": VERSION, "labels": EMOTIONS})
        stream.write(f'{head[:-1]}, "frames": [')

    def write(self, time_s: float, frame: int, faces: Faces) -> None:
        """Add one frame, `time_s` after the start; it may have no faces."""
        line = {"time_s": _validate_time(time_s), "frame": frame, "faces": to_face_records(faces)}
        self._stream.write(self._separator + json.dumps(line))
        self._separator = ",\n"

    def finish(self) -> None:
        """Close the list and the object."""
        self._stream.write("\n]}\n")


RECORDERS: dict[str, type[CsvRecorder] | type[JsonRecorder]] = {".csv": CsvRecorder, ".json": JsonRecorder}


@contextmanager
def open_recording(path: Path | str) -> Iterator[Recorder]:
    """Write a recording to a file, CSV or JSON by its suffix; the file appears when the block ends without an error.

    Raises:
        ValueError: if the suffix is neither.
        FileNotFoundError: if the folder is missing.
    """
    kind = RECORDERS[check_suffix(Path(path))]
    with atomic_write(path) as half, half.open("w", encoding="utf-8", newline="") as stream:
        recorder = kind(stream)
        yield recorder
        recorder.finish()


def check_suffix(path: Path) -> str:
    """Return the suffix of a recording in lower case.

    Raises:
        ValueError: if it is neither `.csv` nor `.json`.
    """
    if path.suffix.lower() not in RECORDERS:
        raise ValueError(f"a recording must end in .csv or .json, but got {path}")
    return path.suffix.lower()


def _validate_time(time_s: float) -> float:
    if not math.isfinite(time_s):
        raise ValueError(f"`time_s` must be a finite number of seconds, but got {time_s}")
    return round(float(time_s), 6)
