"""The time of a stream, and how long its frames waited."""

from __future__ import annotations

import math

# A frame that waited this much longer than the quickest one is not worth looking at.
STALE_S = 1.0
# What waited is skipped within a moment. If frames are stale for longer, a clock jumped, as it does when a laptop wakes up,
# or the way to us got longer; to skip more would not bring newer ones.
SKIPPING_S = 1.0


class StreamClock:
    """The stream's time, and how long frames waited before anybody looked at them.

    The page's clock and ours count from different moments, so only the change of their distance says
    anything: the smallest distance seen is a frame that did not wait.

    Attributes:
        time_s: time of the newest frame, by the page's clock; it never goes back.
    """

    def __init__(self) -> None:
        self.time_s = -math.inf
        self._distance_s = math.inf
        self._skipping_s: float | None = None

    def is_stale(self, time_s: float, now_s: float) -> bool:
        """Note a frame of `time_s` that is looked at at `now_s`; say whether newer ones must wait behind it."""
        self.time_s = max(self.time_s, time_s)
        distance_s = now_s - time_s
        is_late = distance_s - self._distance_s > STALE_S
        if is_late:
            self._skipping_s = now_s if self._skipping_s is None else self._skipping_s
            if now_s - self._skipping_s <= SKIPPING_S:
                return True
        self._distance_s = distance_s if is_late else min(distance_s, self._distance_s)
        self._skipping_s = None
        return False
