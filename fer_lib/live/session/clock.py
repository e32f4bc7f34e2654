"""Clock of a stream: its time, and which frames are stale."""

from __future__ import annotations

import math

# A frame whose delay exceeds the smallest delay by this much is stale.
STALE_S = 1.0
# Skipping a queue of stale frames takes less than this. If frames stay stale for longer, a clock jumped (suspend and
# resume) or the latency of the connection rose; skipping more would not lead to newer frames.
MAX_SKIPPING_S = 1.0


class StreamClock:
    """Clock of a stream.

    The clocks of page and kernel have different origins, so that only changes of their difference are meaningful: the
    smallest difference so far belongs to a frame without delay.

    Attributes:
        time_s: time of the newest frame, by the page's clock; never decreases.
    """

    def __init__(self) -> None:
        self.time_s = -math.inf
        self._difference_s = math.inf
        self._stale_since_s: float | None = None

    def is_stale(self, time_s: float, now_s: float) -> bool:
        """Register a frame captured at `time_s` and handled at `now_s`; return whether it is stale."""
        self.time_s = max(self.time_s, time_s)
        difference_s = now_s - time_s
        is_late = difference_s - self._difference_s > STALE_S
        if is_late:
            self._stale_since_s = now_s if self._stale_since_s is None else self._stale_since_s
            if now_s - self._stale_since_s <= MAX_SKIPPING_S:
                return True
        self._difference_s = difference_s if is_late else min(difference_s, self._difference_s)
        self._stale_since_s = None
        return False
