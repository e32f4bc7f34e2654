"""Return free heap memory to the operating system.

Loading a network needs three times the memory that it keeps. glibc retains the rest for later allocations, which a
kernel of the live page never makes; a server with many visitors needs this memory for other kernels.
"""

from __future__ import annotations

import contextlib
import ctypes


def trim_memory() -> None:
    """Call `malloc_trim` of glibc; with other C libraries nothing happens."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
