"""Atomic writes: a temporary file that nobody else can name or read takes the final name when it is complete."""

from __future__ import annotations

import os
import secrets
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Made anew or not at all: what others put there, links too, is never opened. Windows lacks the last two.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_STEM = 100  # bytes of the name that are kept, for whoever finds a file that a killed process left
_SUFFIX = 40  # bytes; longer suffixes are those of no format, and would make the name too long
_umask_lock = threading.Lock()


@contextmanager
def draft(path: Path | str) -> Iterator[Path]:
    """Give the block an empty temporary file beside `path` to write; it is renamed to `path` when the block ends well.

    The temporary file is new, has a name that can't be guessed, and can be read by its owner only; the final file gets
    the mode of the file that it replaces, or the usual one. After an error or Ctrl-C it is removed, and whatever lay at `path` before is untouched. A link at
    `path` is replaced, not followed.

    Raises:
        FileNotFoundError: if the folder is missing.
        IsADirectoryError: if `path` is a folder.
    """
    path = Path(path)
    check_place(path)
    # The suffix stays, because writers choose a format by it.
    half = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}{_suffix(path)}")
    os.close(os.open(half, _FLAGS, 0o600))
    try:
        yield half
        with suppress(OSError):  # of file systems without modes
            half.chmod(_final_mode(path))
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files for `path` that killed processes left; no other process may be writing it now."""
    prefix, suffix = _prefix(path), _suffix(path)
    for left in path.parent.iterdir():
        name = left.name.removeprefix(prefix).removesuffix(suffix)
        if left.name == f"{prefix}{name}{suffix}" and len(name) == 16:
            left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, complete or not at all; what it raises is what `draft` raises."""
    with draft(path) as half:
        half.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, complete or not at all; what it raises is what `draft` raises."""
    with draft(path) as half:
        half.write_bytes(data)


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


def _prefix(path: Path) -> str:
    return f".{os.fsdecode(_cut(os.fsencode(path.stem), _STEM))}."


def _suffix(path: Path) -> str:
    return f".part{path.suffix if len(os.fsencode(path.suffix)) <= _SUFFIX else ''}"


def _cut(name: bytes, most: int) -> bytes:
    """Return the first bytes of a name in UTF-8, without a part of a character at the end."""
    while most and len(name) > most and name[most] & 0xC0 == 0x80:
        most -= 1
    return name[:most]


def _final_mode(path: Path) -> int:
    """Return the mode of our own file at `path`, so that a private one stays private; else that of new files."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_uid == _user():
            return found.st_mode & 0o777
    return _usual_mode()


def _user() -> int:
    return os.geteuid() if sys.platform != "win32" else 0  # there, files have no user's number


def _usual_mode() -> int:
    """Return the mode of new files. Files that other threads make meanwhile are their owner's only, at worst."""
    with _umask_lock:
        umask = os.umask(0o077)
        os.umask(umask)
    return 0o666 & ~umask
