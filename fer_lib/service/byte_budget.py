"""One limit on the bytes of all request bodies and stream frames in memory."""

from __future__ import annotations

from collections import Counter

ADDRESS_SHARE = 0.5  # of the budget that one client address may hold


class ByteBudget:
    """Bytes that are held in memory together, in total and per client address. For one thread.

    Attributes:
        used: bytes that are held now.
    """

    def __init__(self, max_bytes: int, least_per_address: int = 0) -> None:
        """Set the limits.

        Args:
            max_bytes: of all clients together.
            least_per_address: what one client may hold at least, such as the largest request.
        """
        self.used = 0
        self._max_bytes = max(max_bytes, least_per_address)
        self._max_per_address = max(int(max_bytes * ADDRESS_SHARE), least_per_address)
        self._used_by: Counter[str] = Counter()

    def has_room(self, size: int, client: str | None) -> bool:
        """Return whether `size` more bytes of a client fit; `client` as `client_key` returns it."""
        if self.used + size > self._max_bytes:
            return False
        return client is None or self._used_by[client] + size <= self._max_per_address

    def take(self, size: int, client: str | None) -> bool:
        """Hold `size` bytes of a client and return True, or return False if they do not fit."""
        if not self.has_room(size, client):
            return False
        self.used += size
        if client is not None:
            self._used_by[client] += size
        return True

    def give_back(self, size: int, client: str | None) -> None:
        """Release `size` bytes of a client."""
        self.used -= size
        if client is not None:
            self._used_by[client] -= size
            if self._used_by[client] <= 0:
                del self._used_by[client]
