"""Token bucket rate limiting."""

from __future__ import annotations


class TokenBucket:
    """A token bucket: `rate` tokens are added each second, at most `capacity` are kept, and every use costs some.

    Times are seconds on any clock that does not go back; the first call of `refill` or `take` starts it.
    """

    def __init__(self, rate: float, capacity: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._tokens = capacity
        self._time_s: float | None = None

    def refill(self, now_s: float) -> float:
        """Add the tokens of the time since the last call, and return how many there are."""
        if self._time_s is not None:
            self._tokens = min(self._tokens + self._rate * max(now_s - self._time_s, 0), self._capacity)
        self._time_s = now_s
        return self._tokens

    def take(self, cost: float, now_s: float) -> bool:
        """Remove `cost` tokens and return True, or remove none and return False if there are fewer."""
        if cost > self.refill(now_s):
            return False
        self._tokens -= cost
        return True
