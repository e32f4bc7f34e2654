"""Memory budget for the bytes of all request bodies and stream frames of a process."""

from __future__ import annotations

from collections import Counter

ADDRESS_SHARE = 0.5  # of the budget that one client address may use


class ByteBudget:
    """Bytes in use, limited in total and per client address. Not thread-safe.

    Attributes:
        used: bytes in use.
    """

    def __init__(self, max_bytes: int, least_per_address: int = 0) -> None:
        """Set the limits.

        Args:
            max_bytes: limit for all clients together.
            least_per_address: lower bound of the limit per client, such as the largest request.
        """
        self.used = 0
        self._max_bytes = max(max_bytes, least_per_address)
        self._max_per_address = max(int(max_bytes * ADDRESS_SHARE), least_per_address)
        self._used_by: Counter[str] = Counter()

    def fits(self, size: int, client: str | None) -> bool:
        """Return whether a client may use `size` more bytes; `client` as returned by `client_key`."""
        if self.used + size > self._max_bytes:
            return False
        return client is None or self._used_by[client] + size <= self._max_per_address

    def acquire(self, size: int, client: str | None) -> bool:
        """Reserve `size` bytes for a client and return True, or return False if they do not fit."""
        if not self.fits(size, client):
            return False
        self.used += size
        if client is not None:
            self._used_by[client] += size
        return True

    def release(self, size: int, client: str | None) -> None:
        """Release `size` bytes of a client."""
        self.used -= size
        if client is not None:
            self._used_by[client] -= size
            if self._used_by[client] <= 0:
                del self._used_by[client]
