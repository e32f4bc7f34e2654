"""Token bucket rate limiting."""

from __future__ import annotations


class TokenBucket:
    """A token bucket that starts full and consumes tokens for each admitted event.

    Times are seconds of a monotonic clock; the first call of `refill` or `consume` sets the start.

    Args:
        rate: tokens added per second.
        capacity: largest number of tokens.
    """

    def __init__(self, rate: float, capacity: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._tokens = capacity
        self._time_s: float | None = None

    def refill(self, now_s: float) -> float:
        """Add the tokens for the time since the last call, and return the number of tokens."""
        if self._time_s is not None:
            self._tokens = min(self._tokens + self._rate * max(now_s - self._time_s, 0), self._capacity)
        self._time_s = now_s
        return self._tokens

    def consume(self, cost: float, now_s: float) -> bool:
        """Remove `cost` tokens and return True, or remove none and return False if there are fewer."""
        if cost > self.refill(now_s):
            return False
        self._tokens -= cost
        return True
