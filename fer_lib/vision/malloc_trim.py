"""Memory that is free goes back to the system.

Loading a network needs three times what it keeps. glibc holds on to the rest in case it is needed again, which in the
kernel of a visitor it never is, and a server of many visitors has better use for it.
"""

from __future__ import annotations

import contextlib
import ctypes


def trim_memory() -> None:
    """Ask the C library to return what it does not use; where it is not glibc, nothing happens."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
