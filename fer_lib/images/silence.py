"""Keep OpenCV's messages about damaged files out of logs and terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_lock = threading.Lock()
_blocks = 0
_level_before = 0


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Switch off OpenCV's log while a block runs, in any thread.

    Its TIFF reader logs a line for each damaged row: 600 kB of a TIFF file became 69 MB of messages.
    """
    global _blocks, _level_before  # the level is one for the whole process
    with _lock:
        if _blocks == 0:
            _level_before = cv2.utils.logging.getLogLevel()
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                cv2.utils.logging.setLogLevel(_level_before)
