"""Rate limit of the websocket messages of one visitor: number, bytes, and messages that the kernel has not handled."""

from __future__ import annotations

from collections import deque

from fer_lib.rate_limit import TokenBucket
from fer_lib.settings.live import LiveSettings

# Per frame of the page; it also reports its state and statistics once a second, and a slider up to sixty times.
MESSAGES_PER_FRAME = 3
BYTES_PER_PIXEL = 1.0  # of a square frame as wide as those of the page; typical JPEG frames are ten times smaller
BURST_S = 2.0  # capacity of the token buckets in seconds; a page that opens sends many messages at once
MAX_IN_FLIGHT = 256  # messages that the kernel has not handled
IN_FLIGHT_TIMEOUT_S = 10.0  # without an admitted message, after which none is in flight any more
MAX_REJECTED = 300  # rejections after which a client is disconnected ...
REJECTED_DECAY_PER_S = 10  # ... by which their counter decreases each second


class MessageRateLimit:
    """Token buckets for messages and bytes of one visitor, and a bound of the messages in flight.

    The messages themselves are not kept.

    Attributes:
        rejected: counter of rejected messages, which decays; a message larger than a frame counts as several.
        in_flight: sizes in bytes of admitted messages that the kernel has not handled, oldest first.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self.rejected = 0.0
        self.in_flight: deque[int] = deque()
        self._frame_bytes = BYTES_PER_PIXEL * settings.capture_width**2
        # The capacity holds at least one frame of the largest size.
        self._max_bytes = max(self._frame_bytes * settings.target_rate * BURST_S, settings.max_frame_mb * 1e6)
        message_rate = MESSAGES_PER_FRAME * settings.target_rate
        self._messages = TokenBucket(message_rate, message_rate * BURST_S)
        self._bytes = TokenBucket(self._max_bytes / BURST_S, self._max_bytes)
        self._rejected_s = float("-inf")
        self._admitted_s = float("-inf")

    def admit(self, size: int, now_s: float) -> bool:
        """Return whether a message may reach the kernel, and count it.

        Args:
            size: its size in bytes.
            now_s: time in seconds on a monotonic clock.
        """
        if now_s - self._admitted_s > IN_FLIGHT_TIMEOUT_S:
            self.in_flight.clear()
        is_full = len(self.in_flight) >= MAX_IN_FLIGHT or sum(self.in_flight) + size > self._max_bytes
        is_within = self._messages.refill(now_s) >= 1 and self._bytes.refill(now_s) >= size
        if is_full or not is_within:
            self.reject(now_s, max(size / self._frame_bytes, 1.0))
            return False
        self._messages.consume(1, now_s)
        self._bytes.consume(size, now_s)
        self.in_flight.append(size)
        self._admitted_s = now_s
        return True

    def reject(self, now_s: float, weight: float = 1.0) -> None:
        """Count a rejected message."""
        elapsed_s = now_s - self._rejected_s
        self._rejected_s = now_s
        self.rejected = max(self.rejected - REJECTED_DECAY_PER_S * elapsed_s, 0.0) + weight

    def complete(self) -> None:
        """Remove the oldest message in flight, which the kernel has handled."""
        if self.in_flight:
            self.in_flight.popleft()

    @property
    def is_exceeded(self) -> bool:
        """Whether so many messages were rejected that the client must be disconnected."""
        return self.rejected > MAX_REJECTED
