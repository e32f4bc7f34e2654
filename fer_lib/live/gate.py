"""What one visitor may send: well-formed messages, not many more than a page needs, and none while too many wait."""

from __future__ import annotations

from collections import deque
from typing import Literal

from fer_lib.settings.live import LiveSettings

# Besides its frames a page tells its state and its pace once a second, and a slider up to sixty times.
MESSAGES_PER_FRAME = 3
BYTES_PER_PIXEL = 1.0  # of a square frame of the page's width; usual ones are ten times smaller
BURST_S = 2.0  # opening a page takes many messages at once
MAX_WAITING = 256  # messages that the kernel has not got to
FORGET_S = 10.0  # a visitor who was quiet for so long has nothing waiting, whatever became of it
MAX_PARTS = 64  # a page sends up to eight
MAX_REFUSED = 300  # a page is never refused anything, so that this is a flood and no page any more ...
FORGIVEN_PER_S = 10  # ... unless they come as slowly as this


class Gate:
    """Judges the messages of one visitor by their number and size; nothing is kept of them.

    Attributes:
        refused: how many were refused and not forgiven yet; one that is larger than any frame counts as several.
        waiting: the sizes of those that were admitted and have not left, in bytes, the oldest first.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self.refused = 0.0
        self.waiting: deque[int] = deque()
        self._frame_bytes = BYTES_PER_PIXEL * settings.capture_width**2
        least = settings.max_frame_mb * 1e6 / BURST_S  # so that the largest frame can pass at all
        bytes_per_s = max(self._frame_bytes * settings.target_rate, least)
        self._rates = (MESSAGES_PER_FRAME * settings.target_rate, bytes_per_s)
        self._left = [rate * BURST_S for rate in self._rates]
        self._seen_s = float("-inf")
        self._admitted_s = float("-inf")

    def admit(self, size: int, now_s: float) -> bool:
        """Say whether a message of `size` bytes that comes at `now_s` may pass."""
        if now_s - self._admitted_s > FORGET_S:
            self.waiting.clear()
        passed_s = self._pass(now_s)
        self._left = [
            min(left + rate * passed_s, rate * BURST_S) for left, rate in zip(self._left, self._rates, strict=True)
        ]
        left = [left - cost for left, cost in zip(self._left, (1, size), strict=True)]
        full = len(self.waiting) >= MAX_WAITING or sum(self.waiting) + size > self._rates[1] * BURST_S
        if full or min(left) < 0:
            self.refused += max(size / self._frame_bytes, 1.0)
            return False
        self._left = left
        self.waiting.append(size)
        self._admitted_s = now_s
        return True

    def refuse(self, now_s: float) -> None:
        """Note a message that comes at `now_s` and makes no sense."""
        self._pass(now_s)
        self.refused += 1

    @property
    def is_flooded(self) -> bool:
        """Whether this is no page any more."""
        return self.refused > MAX_REFUSED

    def _pass(self, now_s: float) -> float:
        """Let the time pass, and return how much did, up to `BURST_S`."""
        passed_s = now_s - self._seen_s
        self._seen_s = now_s
        self.refused = max(self.refused - FORGIVEN_PER_S * passed_s, 0.0)
        return min(passed_s, BURST_S)

    def leave(self) -> None:
        """Note that the kernel is done with the oldest."""
        if self.waiting:
            self.waiting.popleft()


def is_well_formed(message: bytes | str, with_offsets: bool) -> bool:
    """Say whether the parts of a message lie within it.

    Both protocols of Jupyter's websocket begin with how many parts there are, and the server believes it: a number
    that is too large would keep it busy until its memory is full.

    Args:
        message: as it came.
        with_offsets: whether the protocol is v1.kernel.websocket.jupyter.org, and not the older one.
    """
    if isinstance(message, str):
        return not with_offsets
    width = 8 if with_offsets else 4
    order: Literal["little", "big"] = "little" if with_offsets else "big"
    numbers = [int.from_bytes(message[at : at + width], order) for at in range(0, width * (MAX_PARTS + 2), width)]
    count, offsets = numbers[0], numbers[1:]
    least = 6 if with_offsets else 1  # channel, four parts of JSON and the end; or the JSON alone
    if not least <= count <= MAX_PARTS:
        return False
    offsets = offsets[:count]
    first = width * (count + 1)
    return first <= offsets[0] and offsets[-1] <= len(message) and offsets == sorted(offsets)
