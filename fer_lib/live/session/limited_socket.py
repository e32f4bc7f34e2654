"""WebSocket client with limits on received bytes and on time, for servers that are not trusted."""

from __future__ import annotations

import socket
import time
from typing import Any

import websocket

MAX_HANDSHAKE_BYTES = 65_536


class LimitedSocket:
    """Socket with a budget of received bytes, and one deadline for sending and receiving.

    A timeout per call would not limit a reply that arrives one byte at a time.
    """

    def __init__(self, connection: socket.socket, timeout_s: float) -> None:
        self._connection = connection
        self.allow(MAX_HANDSHAKE_BYTES, timeout_s)

    def allow(self, max_bytes: int, timeout_s: float) -> None:
        """Set the budget of received bytes, and the deadline to `timeout_s` seconds from now."""
        self._bytes_left = max_bytes
        self._deadline_s = time.monotonic() + timeout_s

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes.

        Raises:
            TimeoutError: at the deadline.
            OSError: if the budget is used up.
        """
        if self._bytes_left <= 0:
            raise OSError("its reply is too large")
        self._set_timeout()
        # The buffer is allocated before data arrives, and `size` may come from the server.
        data = self._connection.recv(min(size, self._bytes_left))
        self._bytes_left -= len(data)
        return data

    def send(self, data: bytes) -> int:
        """Send some of the bytes and return how many.

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
            raise TimeoutError("its reply timed out")
        self._connection.settimeout(left_s)


class LimitedWebSocket(websocket.WebSocket):
    """WebSocket over a `LimitedSocket`, including the handshake."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__(enable_multithread=False)

    @property  # type: ignore[override]
    def sock(self) -> LimitedSocket | None:
        """The connection; `None` while not connected."""
        return self._limited

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._limited = None if connection is None else LimitedSocket(connection, self._timeout_s)

    def exchange(self, data: bytes, max_bytes: int) -> str | bytes:
        """Send a binary message and receive the next message; it is empty if the server closes the connection.

        Raises:
            OSError: if the reply exceeds `max_bytes` or times out.
            websocket.WebSocketException: if the server breaks the protocol.
        """
        if self.sock is None:
            raise OSError("the stream is not connected")
        self.sock.allow(max_bytes, self._timeout_s)
        self.send_binary(data)
        reply: str | bytes = self.recv()
        return reply
