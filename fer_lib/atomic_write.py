"""Atomic writes: write a private temporary file with an unpredictable name, then rename it to the final name."""

from __future__ import annotations

import os
import secrets
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Fail if the name exists: a file or link that another user planted there is never opened. Windows lacks O_NOFOLLOW.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_STEM = 100  # bytes of the final name in the temporary one, so that files of killed processes can be identified
_SUFFIX = 40  # bytes; a longer suffix names no file format, and would make the name too long
_umask_lock = threading.Lock()


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield the path of an empty temporary file beside `path`, and rename it to `path` when the block succeeds.

    The temporary file has an unpredictable name and is readable by its owner only; the final file gets the mode of the
    file that it replaces, or the default one. After an error or Ctrl-C the temporary file is removed, and a file at
    `path` is unchanged. A link at `path` is replaced, not followed.

    Raises:
        FileNotFoundError: if the folder is missing.
        IsADirectoryError: if `path` is a folder.
    """
    path = Path(path)
    check_output_path(path)
    # Keep the suffix, because writers choose a format by it.
    temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(8)}{_suffix(path)}")
    os.close(os.open(temporary, _FLAGS, 0o600))
    try:
        yield temporary
        with suppress(OSError):  # on file systems without modes
            temporary.chmod(_final_mode(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` that killed processes left; no other process may be writing `path` meanwhile."""
    prefix, suffix = _prefix(path), _suffix(path)
    for leftover in path.parent.iterdir():
        token = leftover.name.removeprefix(prefix).removesuffix(suffix)
        if leftover.name == f"{prefix}{token}{suffix}" and len(token) == 16:
            leftover.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 atomically; raises the same errors as `atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically; raises the same errors as `atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def check_output_path(path: Path) -> None:
    """Check that a file can be written at `path`, so that a long run fails at its start and not at its end.

    Raises:
        FileNotFoundError: if the folder is missing.
        IsADirectoryError: if `path` is a folder.
        PermissionError: if the folder is not writable.
    """
    if path.is_dir():
        raise IsADirectoryError(f"the output must be a file, but {path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of the output {path} must exist; `mkdir -p {path.parent}` creates it")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder of the output {path} must be writable, but it is not")


def _prefix(path: Path) -> str:
    return f".{os.fsdecode(_cut(os.fsencode(path.stem), _STEM))}."


def _suffix(path: Path) -> str:
    return f".part{path.suffix if len(os.fsencode(path.suffix)) <= _SUFFIX else ''}"


def _cut(name: bytes, most: int) -> bytes:
    """Truncate a name in UTF-8 at a character boundary."""
    while most and len(name) > most and name[most] & 0xC0 == 0x80:
        most -= 1
    return name[:most]


def _final_mode(path: Path) -> int:
    """Return the mode of a file of the same user at `path`, so that a private file stays private; else the default."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_uid == _user_id():
            return status.st_mode & 0o777
    return _default_mode()


def _user_id() -> int:
    return os.geteuid() if sys.platform != "win32" else 0  # as `st_uid` on Windows


def _default_mode() -> int:
    """Return the mode of new files; files that other threads create meanwhile are at worst readable by their owner only."""
    with _umask_lock:
        umask = os.umask(0o077)
        os.umask(umask)
    return 0o666 & ~umask
