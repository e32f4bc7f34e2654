"""Read third-party CSV tables row by row, with bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

MAX_LINE = 100_000  # characters; a row of FER2013 has some 9,300


@contextmanager
def open_table(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a CSV file with a header line.

    Raises:
        ValueError: during iteration, if the file is not CSV in UTF-8 or a line is too long; the message names the file.
    """
    with Path(path).open(newline="", encoding="utf-8") as stream:
        try:
            yield csv.DictReader(_bounded_lines(stream))
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} must be a CSV table in UTF-8, but reading it failed: {error}") from None


def _bounded_lines(stream: TextIO) -> Iterator[str]:
    """Yield lines; raise `csv.Error` for a line of `MAX_LINE` characters or more."""
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise csv.Error(f"a line has more than {MAX_LINE:,} characters")
        yield line
