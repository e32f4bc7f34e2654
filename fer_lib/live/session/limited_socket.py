"""WebSocket client with a limit of received bytes and a deadline, for an untrusted server."""

from __future__ import annotations

import socket
import time
from typing import Any

import websocket

MAX_HANDSHAKE_BYTES = 65_536


class LimitedSocket:
    """Socket with a budget of received bytes and one deadline for all calls.

    With a timeout per call alone, a server could send single bytes without end.
    """

    def __init__(self, connection: socket.socket, timeout_s: float) -> None:
        self._connection = connection
        self.set_limits(MAX_HANDSHAKE_BYTES, timeout_s)

    def set_limits(self, max_bytes: int, timeout_s: float) -> None:
        """Set the budget to `max_bytes`, and the deadline to `timeout_s` seconds from now."""
        self._bytes_left = max_bytes
        self._deadline_s = time.monotonic() + timeout_s

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes.

        Raises:
            TimeoutError: at the deadline.
            OSError: if the budget is used up.
        """
        if self._bytes_left <= 0:
            raise OSError("its reply is longer than the limit")
        self._set_timeout()
        # recv() allocates `size` bytes first, and the size may come from a header of the server.
        data = self._connection.recv(min(size, self._bytes_left))
        self._bytes_left -= len(data)
        return data

    def send(self, data: bytes) -> int:
        """Send some of the bytes and return their number.

        Raises:
            TimeoutError: at the deadline.
        """
        self._set_timeout()
        return self._connection.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _set_timeout(self) -> None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("it did not reply in time")
        self._connection.settimeout(left_s)


class LimitedWebSocket(websocket.WebSocket):
    """WebSocket over a `LimitedSocket`, including its handshake."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__(enable_multithread=False)

    @property  # type: ignore[override]
    def sock(self) -> LimitedSocket | None:
        """The connection; `None` while disconnected."""
        return self._limited

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._limited = None if connection is None else LimitedSocket(connection, self._timeout_s)

    def exchange(self, data: bytes, max_bytes: int) -> str | bytes:
        """Send a binary message and receive the next message; it is empty if the server closes the connection.

        Raises:
            OSError: if the reply exceeds `max_bytes` or the timeout.
            websocket.WebSocketException: if the server violates the protocol.
        """
        if self.sock is None:
            raise OSError("it is not connected")
        self.sock.set_limits(max_bytes, self._timeout_s)
        self.send_binary(data)
        reply: str | bytes = self.recv()
        return reply
