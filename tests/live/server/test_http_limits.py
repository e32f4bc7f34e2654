"""Limits of HTTP bodies and headers on an application of the test, and on the server of the page."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from fer_lib.live.server import http_limits
from fer_lib.live.server.http_limits import MAX_BODY_BYTES, add_http_limits
from harness.servers import find_port, serve_voila

DEADLINE_S = 20.0
ENDLESS = b"POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 99000000\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"8000\r\n" + bytes(0x8000) + b"\r\n"


class Echo(RequestHandler):
    def post(self) -> None:
        self.write(str(len(self.request.body)))


async def exchange(port: int, data: bytes) -> bytes:
    """Send bytes, leave the connection open, and return what is received until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), DEADLINE_S)
    except ConnectionError:  # closed while the rest was being sent
        return b""
    finally:
        writer.close()


def exchange_with_app(data: bytes) -> bytes:
    """Exchange bytes with an application that has the limits."""

    async def run() -> bytes:
        app = Application([("/x", Echo)])
        add_http_limits(app)
        port = find_port()
        server: HTTPServer = app.listen(port, "127.0.0.1")
        try:
            return await exchange(port, data)
        finally:
            server.stop()
            await server.close_all_connections()

    return asyncio.run(run())


def form(size: int) -> bytes:
    head = f"POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + bytes(size)


def test_add_http_limits_accepts_a_small_body():
    assert exchange_with_app(form(MAX_BODY_BYTES)).endswith(str(MAX_BODY_BYTES).encode())


def test_add_http_limits_refuses_a_large_body_before_it_is_sent():
    assert exchange_with_app(ENDLESS % (b"x", b"localhost")).startswith(b"HTTP/1.1 400")


def test_add_http_limits_refuses_a_large_chunked_body():
    assert b"200 OK" not in exchange_with_app(CHUNKED + CHUNK * (MAX_BODY_BYTES // 0x8000 + 1))


@pytest.mark.parametrize("data", [CHUNKED, form(10)[:-1]])
def test_add_http_limits_closes_a_connection_whose_body_is_not_complete_in_time(monkeypatch, data):
    monkeypatch.setattr(http_limits, "BODY_TIMEOUT_S", 0.1)
    assert exchange_with_app(data) == b""


@pytest.mark.parametrize("data", [b"", b"GET /x HTTP/1.1\r\nHost: local"])
def test_add_http_limits_closes_a_connection_whose_header_is_not_complete_in_time(monkeypatch, data):
    monkeypatch.setattr(http_limits, "HEADER_TIMEOUT_S", 0.1)
    assert exchange_with_app(data) == b""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve_voila() as url:
        yield url


@pytest.mark.parametrize("path", [b"", b"nowhere", b"login", b"voila/static/voila.js", b"voila/api/shutdown/x"])
@pytest.mark.parametrize("host", [b"localhost", b"evil.example"])
def test_voila_refuses_a_large_body_before_it_is_sent(server, path, host):
    response = asyncio.run(exchange(urlsplit(server).port or 0, ENDLESS % (path, host)))
    assert response.startswith(b"HTTP/1.1 400")
