"""Message kinds between page and kernel: the protocol of the live page.

Both tables map a kind (the value of `type`) to the names of its other fields. They are the only source:
`.ci/page_constants.py` generates the page's copy, session and page register one handler for each kind, and the fuzz
target builds its inputs from them.
"""

from __future__ import annotations

import sys
from typing import Any

Message = dict[str, Any]
MAX_FLOAT = sys.float_info.max

# Page → kernel.
PAGE_MESSAGES: dict[str, tuple[str, ...]] = {
    "frame": ("id", "time_s"),  # with one JPEG as its buffer; time_s on the page's clock
    "state": ("state", "detail"),  # one of `fer_lib.live.session.states.STATES`
    "stats": ("results_per_s", "round_trip_ms", "frame_to_overlay_ms"),
    "record": ("on",),
    "delete_recording": (),
    "download": ("kind",),  # one of `fer_lib.live.session.recording.FILE_KINDS`
    "adjust": ("smoothing_s",),
    "calibrate": ("on",),  # true: start; false: cancel, or delete the calibration
    "diagnose": (),
    "demo": (),  # request the demo photo
}

# Kernel → page.
KERNEL_MESSAGES: dict[str, tuple[str, ...]] = {
    # Exactly one reply to each frame. `recording` and `calibration` are included when they have changed.
    "faces": ("id", "faces", "ms", "recording", "calibration"),
    "skipped": ("id",),  # too old or unreadable
    "loading": ("id",),  # the networks are not loaded yet
    "broken": ("id", "detail"),  # no frame can be processed
    # Reply to a state that ended a recording or a calibration.
    "update": ("recording", "calibration"),
    # Replies to record, delete_recording, download, calibrate, diagnose, demo.
    "recording": ("on", "full", "frames", "rows", "span_s", "total", "faces", "more"),
    "file": ("kind",),  # with the text as its buffer
    "calibration": ("running", "on", "left_s", "detail"),
    "diagnostics": ("versions", "weights"),
    "demo": (),  # with a JPEG as its buffer
    "refused": ("detail",),  # the request was invalid
    # Sent by `LiveView.start` and `LiveView.stop`.
    "start": (),
    "stop": (),
}


def is_number(value: Any) -> bool:
    """Return whether a value from the page is a finite number."""
    # A JSON integer may have any number of digits; comparing it with a float works where conversion fails.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -MAX_FLOAT <= value <= MAX_FLOAT
