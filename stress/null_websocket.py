"""Websocket server that discards all bytes, as the reference load of a flood."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


@contextmanager
def open_null_websocket() -> Iterator[str]:
    """Serve one websocket connection in a thread that discards all bytes; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=_discard, args=(listening,), name="null-websocket", daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def _discard(listening: socket.socket) -> None:
    """Accept a connection, complete the handshake, and read without parsing until it ends."""
    connection, _ = listening.accept()
    buffer = bytearray(1 << 20)
    with connection, suppress(OSError):
        request = connection.recv(65_536)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request, re.IGNORECASE)
        assert key is not None
        connection.sendall(RESPONSE % base64.b64encode(hashlib.sha1(key[1] + GUID).digest()))
        while connection.recv_into(buffer):
            pass
