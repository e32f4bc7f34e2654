"""Limits of a stream on bytes and time, against a hostile or broken service."""

import base64
import hashlib
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fer_lib.live.session.remote import MAX_REPLY_BYTES, RemoteStream, ServiceUnavailableError
from fer_lib.settings import RemoteSettings

from .replies import make_face, make_reply

TIMEOUT_S = 0.5
TEXT, BINARY, CLOSE, PING = 0x81, 0x82, 0x88, 0x89


@contextmanager
def serve_connections(handle: Callable[[socket.socket, bytes], None]) -> Iterator[RemoteSettings]:
    """Call `handle` with each connection and its request header; yield settings with the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(20)
                        head = b""
                        while b"\r\n\r\n" not in head:
                            head += connection.recv(65536)
                        handle(connection, head)
                except ConnectionError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield RemoteSettings(url=f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=TIMEOUT_S, retry_s=3600)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(20)


def accept(connection: socket.socket, head: bytes) -> None:
    key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    lines.append(b"Sec-WebSocket-Accept: " + base64.b64encode(digest))
    connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")


def accept_and_reply(send: Callable[[socket.socket], None]) -> Callable[[socket.socket, bytes], None]:
    """Accept the stream, receive the first frame, then call `send`."""

    def handle(connection: socket.socket, head: bytes) -> None:
        accept(connection, head)
        connection.recv(65536)
        send(connection)
        while connection.recv(65536):  # until the client closes
            pass

    return handle


def send_endlessly(data: bytes, pause_s: float = 0) -> Callable[[socket.socket], None]:
    """Send until the client closes; at most 200 MB or 20 s."""

    def send(connection: socket.socket) -> None:
        end_s, sent = time.monotonic() + 20, 0
        while time.monotonic() < end_s and sent < 200e6:
            connection.sendall(data)
            sent += len(data)
            time.sleep(pause_s)

    return send


def message(data: bytes, kind: int = TEXT) -> bytes:
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    return bytes([kind]) + length + data


@pytest.mark.parametrize(
    "send",
    [
        send_endlessly(b"\x82\x7f" + struct.pack(">Q", 1 << 62) + bytes(1_000_000)),
        send_endlessly(message(bytes(60_000), 0x02) + message(bytes(60_000), 0x00)),
        send_endlessly(message(b"", PING) * 10_000),
        send_endlessly(message(bytes(125), PING) * 1000),
        send_endlessly(message(b"", 0x8A) * 10_000),
        send_endlessly(b"\x81", 0.02),
        send_endlessly(message(b"", PING), 0.02),
        lambda connection: connection.sendall(b"\x81\x05abc"),
        lambda connection: None,
    ],
    ids=["long", "fragments", "pings", "large-pings", "pongs", "slow-bytes", "slow-pings", "cut", "silent"],
)
def test_process_jpeg_endless_reply(send):
    with serve_connections(accept_and_reply(send)) as settings:
        stream = RemoteStream(settings)
        tracemalloc.start()
        start = time.monotonic()
        with pytest.raises(ServiceUnavailableError):
            stream.process_jpeg(b"a frame")
        assert time.monotonic() - start < TIMEOUT_S + 5
        assert tracemalloc.get_traced_memory()[1] < 12 * MAX_REPLY_BYTES
        tracemalloc.stop()
        stream.close()


@pytest.mark.parametrize(
    "sent",
    [
        message(b"\xff\xfe"),
        message(make_reply(make_face()).encode(), 0xC1),
        message(b"[" * 50_000),
        message(b'{"frame": 0, "faces": ' + b"[" * 50_000),
        message(b"\x03\xe8", CLOSE),
        message(b"\x03", CLOSE),
        message(b"\xff\xff", CLOSE),
        b"\x83\x00",
        b"\xf1\x00",
        b"HTTP/1.1 500 No\r\n\r\n",
    ],
    ids=[
        "no-utf8",
        "compressed",
        "deep",
        "deep-faces",
        "close",
        "short-close",
        "wrong-close",
        "opcode",
        "bits",
        "http",
    ],
)
def test_process_jpeg_protocol_error(sent):
    with serve_connections(accept_and_reply(lambda connection: connection.sendall(sent))) as settings:
        stream = RemoteStream(settings)
        with pytest.raises(ServiceUnavailableError):
            stream.process_jpeg(b"a frame")
        stream.close()


@pytest.mark.parametrize(
    "send",
    [
        send_endlessly(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 10_000),
        send_endlessly(b"x" * 100_000),
        send_endlessly(b"x", 0.02),
        lambda connection: connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 1000000000000000\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: " + b"9" * 4000 + b"\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 101 Yes\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 x\r\n\r\n"),
        lambda connection: connection.sendall(b"\x00\xff\r\n\r\n"),
        lambda connection: None,
    ],
    ids=["headers", "line", "slow", "large-body", "huge-length", "no-key", "status", "binary", "silent"],
)
def test_remote_stream_invalid_handshake(send):
    def handle(connection, head):
        send(connection)
        while connection.recv(65536):
            pass

    with serve_connections(handle) as settings:
        start = time.monotonic()
        with pytest.raises(ServiceUnavailableError) as gone:
            RemoteStream(settings)
        assert time.monotonic() - start < TIMEOUT_S + 5
        assert len(str(gone.value)) <= 300


def test_remote_stream_follows_no_redirect():
    requests = []

    def handle(connection, head):
        requests.append(head)
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:%d/stream\r\n\r\n" % connection.getsockname()[1]
        )

    with serve_connections(handle) as settings, pytest.raises(ServiceUnavailableError):
        RemoteStream(settings)
    assert len(requests) == 1


def test_remote_stream_request_without_compression_and_origin():
    heads = []

    def handle(connection, head):
        heads.append(head.lower())
        accept(connection, head)

    with serve_connections(handle) as settings:
        RemoteStream(settings).close()
    assert b"sec-websocket-extensions" not in heads[0]
    assert b"\r\norigin" not in heads[0]
