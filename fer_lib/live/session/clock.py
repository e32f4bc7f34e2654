"""Clock of a stream: its time, and whether a frame is stale."""

from __future__ import annotations

import math

# A frame delayed this much more than the least delayed one is stale.
STALE_S = 1.0
# A queue of stale frames is skipped within a moment. If frames stay stale for longer, a clock jumped (a laptop woke up) or
# the latency of the connection rose; skipping more would not bring newer frames.
SKIPPING_S = 1.0


class StreamClock:
    """Clock of a stream.

    The page's clock and the kernel's have different origins, so that only changes of their difference are
    meaningful: the smallest difference seen belongs to a frame without delay.

    Attributes:
        time_s: time of the newest frame, by the page's clock; never decreases.
    """

    def __init__(self) -> None:
        self.time_s = -math.inf
        self._difference_s = math.inf
        self._skipping_s: float | None = None

    def is_stale(self, time_s: float, now_s: float) -> bool:
        """Register a frame taken at `time_s` and handled at `now_s`; return whether it is stale, so that newer ones wait."""
        self.time_s = max(self.time_s, time_s)
        difference_s = now_s - time_s
        is_late = difference_s - self._difference_s > STALE_S
        if is_late:
            self._skipping_s = now_s if self._skipping_s is None else self._skipping_s
            if now_s - self._skipping_s <= SKIPPING_S:
                return True
        self._difference_s = difference_s if is_late else min(difference_s, self._difference_s)
        self._skipping_s = None
        return False
