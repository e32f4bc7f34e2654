"""Replies of a hostile or broken service: limits on bytes, time and content."""

import base64
import hashlib
import json
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.live.session.fallback import REMOTE_NOTICE, UNENCRYPTED_NOTICE, FallbackPipeline
from fer_lib.live.session.remote import (
    MAX_REPLY_BYTES,
    RemoteStream,
    ServiceFullError,
    ServiceUnavailableError,
    is_unencrypted,
    parse_reply,
    public_address,
    read_faces,
)
from fer_lib.settings import RemoteSettings, VisionSettings

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


def make_face(**changes: object) -> dict:
    rows = dict.fromkeys(EMOTIONS, 0.0) | {"happy": 1.0}
    points = [[1.0, 2.0]] * 5
    face = {"box": [1, 2, 30, 40], "confidence": 0.9, "landmarks": points, "label": "happy", "probabilities": rows}
    return {**face, "raw_probabilities": rows, "track_id": 1, **changes}


def make_reply(*faces: dict, **changes: object) -> str:
    return json.dumps({"frame": 0, "faces": list(faces), **changes})


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


def test_read_faces_valid_reply():
    faces = read_faces(parse_reply(make_reply(make_face(), make_face(track_id=2)), 0))
    assert (len(faces), faces.track_id.tolist(), faces.labels) == (2, [1, 2], ["happy", "happy"])
    unknown = read_faces(parse_reply(make_reply(make_face(landmarks=None, raw_probabilities=None)), 0))
    assert (unknown.landmarks, unknown.raw_probabilities) == (None, None)
    assert len(read_faces(parse_reply(make_reply(), 0))) == 0


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "[]",
        "{}",
        make_reply(make_face(), frame=1),
        make_reply(make_face(), frame=-1),
        make_reply(make_face(), frame=10**400),
        json.dumps({"frame": 0}),
        json.dumps({"frame": 0, "faces": 7}),
        make_reply(*[make_face(track_id=n) for n in range(201)]),
        make_reply(make_face(), make_face()),
        *(make_reply(make_face(track_id=one)) for one in (None, -1, 2**31, 2**70, 1.5, "x", True and [1])),
        *(make_reply(make_face(box=[1, 2, 3, one])) for one in (NAN, INF, -INF, 1e7, 10**400, "x", None)),
        make_reply(make_face(box=[1, 2, 3])),
        make_reply(make_face(box=[[1, 2, 3, 4]])),
        make_reply(make_face(landmarks=[[1, 2]] * 4)),
        make_reply(make_face(landmarks=[[1, 2]] * 100_000)),
        make_reply(make_face(landmarks=[[1, NAN]] * 5)),
        *(make_reply(make_face(confidence=one)) for one in (NAN, 1.5, -0.1, None)),
        make_reply(make_face(probabilities=dict.fromkeys(EMOTIONS, 0.5))),
        make_reply(make_face(probabilities=dict.fromkeys(EMOTIONS, NAN))),
        make_reply(make_face(raw_probabilities=dict.fromkeys(EMOTIONS, 0.0))),
        make_reply(make_face(probabilities={"happy": 1})),
        make_reply(make_face(label="<script>")),
    ],
)
def test_read_faces_invalid_reply(text):
    with pytest.raises(ServiceUnavailableError):
        read_faces(parse_reply(text, 0))


def test_read_faces_sanitizes_the_error():
    with pytest.raises(ValueError, match="too large") as refused:
        read_faces(parse_reply(json.dumps({"frame": 0, "status": 413, "detail": "too large\n\x1b[2J\u202e" * 1000}), 0))
    assert len(str(refused.value)) <= 300
    assert str(refused.value).isprintable()


def test_parse_reply_service_full():
    with pytest.raises(ServiceFullError):
        parse_reply(json.dumps({"frame": 0, "status": 503}), 0)


@pytest.mark.parametrize(
    ("url", "unencrypted"),
    [
        ("http://localhost:8000", False),
        ("ws://127.0.0.1", False),
        ("http://[::1]:8000", False),
        ("https://faces.example.org", False),
        ("wss://10.0.0.5", False),
        ("http://faces.example.org", True),
        ("ws://10.0.0.5:8000", True),
        ("http://localhost.example.org", True),
        ("http://user:localhost@faces.example.org", True),
    ],
)
def test_is_unencrypted(url, unencrypted):
    assert is_unencrypted(RemoteSettings(url=url)) == unencrypted


def test_public_address_omits_password_and_query():
    settings = RemoteSettings(url="https://ada:secret@faces.example.org:8000/api?token=secret")
    assert public_address(settings) == "https://faces.example.org:8000/api"


def test_notice_and_log_of_an_unencrypted_connection(monkeypatch, caplog):
    from fer_lib.live.session import fallback

    monkeypatch.setattr(fallback, "RemoteStream", lambda settings: None)
    local = FallbackPipeline(VisionSettings(), RemoteSettings(url="http://localhost:8000"), lambda _: None)
    assert (local.notice, caplog.text) == (REMOTE_NOTICE, "")
    other = FallbackPipeline(VisionSettings(), RemoteSettings(url="http://10.0.0.5:8000"), lambda _: None)
    assert other.notice == UNENCRYPTED_NOTICE
    assert "http://10.0.0.5:8000 without encryption" in caplog.text
