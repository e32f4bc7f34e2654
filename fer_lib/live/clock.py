"""The time of a stream, and how long its frames waited."""

from __future__ import annotations

import math

# A frame that waited this much longer than the quickest one is not worth looking at.
STALE_S = 1.0
# So many stale frames in a row mean that a clock jumped, as it does when a laptop wakes up.
MAX_SKIPPED = 16


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
        self._skipped = 0

    def is_stale(self, time_s: float, now_s: float) -> bool:
        """Note a frame of `time_s` that is looked at at `now_s`; say whether newer ones must wait behind it."""
        self.time_s = max(self.time_s, time_s)
        distance_s = now_s - time_s
        if distance_s - self._distance_s > STALE_S and self._skipped < MAX_SKIPPED:
            self._skipped += 1
            return True
        jumped = self._skipped >= MAX_SKIPPED
        self._distance_s = distance_s if jumped else min(distance_s, self._distance_s)
        self._skipped = 0
        return False
