"""Where a flood can go that costs nobody anything: a websocket of our own whose bytes are thrown away unread."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


@contextmanager
def open_sink() -> Iterator[str]:
    """Yield the address of a websocket that takes whatever comes, in a thread that only waits for the system."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=_swallow, args=(listening,), name="sink", daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def _swallow(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    space = bytearray(1 << 20)
    with connection, suppress(OSError):
        asked = connection.recv(65_536)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked, re.IGNORECASE)
        assert key is not None
        connection.sendall(ANSWER % base64.b64encode(hashlib.sha1(key[1] + GUID).digest()))
        while connection.recv_into(space):
            pass
