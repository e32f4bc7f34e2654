"""A file appears under its name when it is whole, and not before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft(path: Path | str) -> Iterator[Path]:
    """Give the block a hidden file beside `path` to write; it takes the name `path` when the block ends well.

    After an error or Ctrl-C the draft is removed, and whatever lay at `path` before is untouched.

    Raises:
        FileNotFoundError: if the folder is missing.
        IsADirectoryError: if `path` is a folder.
    """
    path = Path(path)
    check_place(path)
    # The suffix stays, because writers choose a format by it.
    half = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, complete or not at all; what it raises is what `draft` raises."""
    with draft(path) as half:
        half.write_text(text, encoding="utf-8")


def check_place(path: Path) -> None:
    """Make sure that a file can be written at `path`, before hours of work are lost.

    Raises:
        FileNotFoundError: if the folder is missing.
        IsADirectoryError: if `path` is a folder.
        PermissionError: if the folder is closed to us.
    """
    if path.is_dir():
        raise IsADirectoryError(f"the output must be a file, but {path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of the output {path} must exist; `mkdir -p {path.parent}` makes it")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder of the output {path} must be writable, but it is not")
