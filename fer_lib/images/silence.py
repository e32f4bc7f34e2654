"""Suppress the log of OpenCV about damaged files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_lock = threading.Lock()
_active_blocks = 0
_previous_level = 0


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Disable the log of OpenCV while a block runs in any thread.

    The TIFF reader logs a line for each damaged row: a file of 600 kB caused 69 MB of messages.
    """
    global _active_blocks, _previous_level  # the log level is global to the process
    with _lock:
        if _active_blocks == 0:
            _previous_level = cv2.utils.logging.getLogLevel()
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        _active_blocks += 1
    try:
        yield
    finally:
        with _lock:
            _active_blocks -= 1
            if _active_blocks == 0:
                cv2.utils.logging.setLogLevel(_previous_level)
