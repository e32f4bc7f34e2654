"""Voila's request information: neither served by a websocket nor stored."""

import asyncio

import pytest
from tornado.httpclient import HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import websocket_connect
from voila.request_info_handler import RequestInfoSocketHandler

from fer_lib.live.server.request_info import remove_request_info
from harness.servers import find_port

KERNEL = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestInfoSocketHandler, "_cache", {})


@pytest.mark.parametrize("base", ["", "/user/name"])
def test_remove_request_info_refuses_the_websocket(base):
    async def connect() -> int:
        app = Application()
        remove_request_info(app)
        # Voila adds its own handlers later.
        app.add_handlers(".*", [(rf"{base}/voila/query/(?P<kernel_id>.*)", RequestInfoSocketHandler)])
        port = find_port()
        server: HTTPServer = app.listen(port, "127.0.0.1")
        try:
            (await websocket_connect(f"ws://127.0.0.1:{port}{base}/voila/query/{KERNEL}")).close()
        except HTTPClientError as error:
            return error.code
        finally:
            server.stop()
            await server.close_all_connections()
        return 101

    assert asyncio.run(connect()) == 404


def test_remove_request_info_stores_no_query_string():
    RequestInfoSocketHandler.send_updates({"kernel_id": KERNEL, "payload": {"QUERY_STRING": "x" * 60_000}})
    assert KERNEL in RequestInfoSocketHandler._cache
    remove_request_info(Application())
    RequestInfoSocketHandler.send_updates({"kernel_id": KERNEL, "payload": {"QUERY_STRING": "x" * 60_000}})
    assert not RequestInfoSocketHandler._cache
