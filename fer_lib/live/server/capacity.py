"""Default visitor limit, from the memory of this computer or container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

KERNEL_BYTES = 200_000_000  # of a visitor's kernel; some 175 MB were measured
SERVER_BYTES = 500_000_000  # the server, the preheated kernel and the operating system
CGROUP_FILES = ("memory.max", "memory.limit_in_bytes")  # version 2 and 1


def choose_visitor_limit(setting: int | None, memory: int | None) -> int:
    """Return the visitor limit; 0 means no limit.

    Args:
        setting: the setting `max_visitors`; `None`: as many kernels as the memory holds, at least one.
        memory: bytes of memory; `None` if unknown, which means no limit.
    """
    if setting is not None:
        return setting
    return 0 if memory is None else max((memory - SERVER_BYTES) // KERNEL_BYTES, 1)


def read_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of memory that this process may use: the computer's, or less if a cgroup limits it.

    Args:
        root: folder with `proc` and `sys`.

    Returns:
        `None` if the operating system provides neither.
    """
    sizes = [*_read_physical(), *_read_cgroup_limits(root)]
    return min(sizes, default=None)


def _read_physical() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return  # Windows


def _read_cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the limits of the process's cgroups and of their parents; in a container only the topmost may be visible."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            for name in CGROUP_FILES:
                text = _read(mount / group / name).strip()
                if text.isascii() and text.isdigit():  # else "max"
                    yield int(text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
