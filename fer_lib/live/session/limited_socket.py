"""A WebSocket client that receives a limited number of bytes until a deadline, whatever the server sends."""

from __future__ import annotations

import socket
import time
from typing import Any

import websocket

MAX_HANDSHAKE_BYTES = 65_536


class LimitedSocket:
    """A socket with a budget of received bytes and one deadline for all that is sent and received.

    A timeout for each call alone would let a server answer for ever, one byte at a time.
    """

    def __init__(self, connection: socket.socket, timeout_s: float) -> None:
        self._connection = connection
        self.allow(MAX_HANDSHAKE_BYTES, timeout_s)

    def allow(self, max_bytes: int, timeout_s: float) -> None:
        """Allow to receive `max_bytes` from now on, and set the deadline to `timeout_s` seconds from now."""
        self._bytes_left = max_bytes
        self._deadline_s = time.monotonic() + timeout_s

    def recv(self, size: int) -> bytes:
        """Receive at most `size` bytes.

        Raises:
            TimeoutError: at the deadline.
            OSError: if there are more bytes than allowed.
        """
        if self._bytes_left <= 0:
            raise OSError("it sends more than an answer can have")
        self._set_timeout()
        # The buffer is allocated before anything comes, and the size may be one that the server said.
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
            raise TimeoutError("it does not answer in time")
        self._connection.settimeout(left_s)


class LimitedWebSocket(websocket.WebSocket):
    """A WebSocket over a `LimitedSocket`, from the handshake on."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__(enable_multithread=False)

    @property  # type: ignore[override]
    def sock(self) -> LimitedSocket | None:
        """The connection; `None` before and after."""
        return self._limited

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._limited = None if connection is None else LimitedSocket(connection, self._timeout_s)

    def exchange(self, data: bytes, max_bytes: int) -> str | bytes:
        """Send a binary message and receive the next message; it is empty if the server closes the connection.

        Raises:
            OSError: if more than `max_bytes` come, or nothing in time.
            websocket.WebSocketException: if the server breaks the protocol.
        """
        if self.sock is None:
            raise OSError("it is not connected")
        self.sock.allow(max_bytes, self._timeout_s)
        self.send_binary(data)
        answer: str | bytes = self.recv()
        return answer
