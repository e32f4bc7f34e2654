"""Buffer of the sound packets that precede the first frame of a video."""

from __future__ import annotations

from typing import Any

MAX_SOUND_BYTES = 64_000_000


class SoundBuffer:
    """Sound packets up to `MAX_SOUND_BYTES`; later packets are dropped."""

    def __init__(self) -> None:
        self._packets: list[Any] = []
        self._bytes = 0

    @property
    def has_overflowed(self) -> bool:
        """Whether packets were dropped."""
        return self._bytes > MAX_SOUND_BYTES

    def add(self, packet: Any) -> None:
        """Store a packet unless the buffer is full."""
        self._bytes += packet.size
        if not self.has_overflowed:
            self._packets.append(packet)

    def pop_all(self) -> list[Any]:
        """Return all packets and empty the buffer."""
        packets, self._packets = self._packets, []
        return packets
