"""Raw WebSocket and HTTP clients, for messages that libraries refuse to send."""

import http.client
import socket
import struct
import time
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def connect(url: str) -> socket.socket:
    """Open a TCP connection to the server at `url`."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def open_stream(url: str, *headers: str, host: str = "localhost", status: int = 101) -> socket.socket:
    """Request a WebSocket at `/stream`; the response must have the given status."""
    one = connect(url)
    lines = [
        "GET /stream HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    one.sendall("\r\n".join([*lines, "\r\n"]).encode())
    response = b""
    while b"\r\n\r\n" not in response:
        response += one.recv(1)
    assert int(response.split()[1]) == status, response
    return one


def frame(opcode: int, data: bytes = b"", is_last: bool = True) -> bytes:
    """Return a frame of RFC 6455, masked with zeros."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + struct.pack(">H", size) if size < 1 << 16 else b"\xff" + struct.pack(">Q", size)
    return bytes([0x80 * is_last | opcode]) + length + bytes(4) + data


def flood(one: socket.socket, data: bytes, most_bytes: int = 200_000_000, seconds: float = 20) -> bool:
    """Send `data` until the server disconnects; return False if it accepts `most_bytes` or for `seconds`."""
    end_s, sent = time.monotonic() + seconds, 0
    try:
        while sent < most_bytes and time.monotonic() < end_s:
            one.sendall(data)
            sent += len(data)
    except ConnectionError:
        return True
    return False


def read_close(one: socket.socket) -> tuple[int, str] | None:
    """Read frames up to the close frame and return its code and reason; `None` if there was none."""
    try:
        with one.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                size = head[1] if head[1] < 126 else struct.unpack(">H", stream.read(2))[0]
                data = stream.read(size)
                if head[0] & 15 == CLOSE:
                    return struct.unpack(">H", data[:2])[0], data[2:].decode()
    except ConnectionError:
        pass
    return None


def health_ms(url: str) -> float:
    """Return the response time of `/health` in milliseconds."""
    parts, start = urlsplit(url), time.monotonic()
    one = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    one.request("GET", "/health")
    response = one.getresponse()
    response.read()
    one.close()
    assert response.status == 200
    return (time.monotonic() - start) * 1000
