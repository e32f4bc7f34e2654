"""Timeouts of a visit, with times of the test, and unacknowledged bytes of a TCP connection."""

import asyncio
import socket
from types import SimpleNamespace

import pytest
from tornado.iostream import IOStream

from fer_lib.live.server import visit as visit_module
from fer_lib.live.server.visit import MAX_DELAY, Visit, find_address, has_unsent


@pytest.fixture
def visit() -> Visit:
    """A visit whose page is still being rendered."""
    return Visit(SimpleNamespace(_finished=False), "192.0.2.1")


def test_is_overdue_starts_when_the_page_is_rendered(visit):
    assert not visit.is_overdue(100, 30)
    visit.handler._finished = True
    assert not visit.is_overdue(200, 30)
    assert not visit.is_overdue(229, 30)
    assert visit.is_overdue(230, 30)


def test_is_overdue_on_a_slow_link_after_a_bounded_delay(visit, monkeypatch):
    visit.handler._finished = True
    visit.streams = {"slow"}
    monkeypatch.setattr(visit_module, "has_unsent", lambda stream: stream == "slow")
    assert not any(visit.is_overdue(now_s, 30) for now_s in range((1 + MAX_DELAY) * 30))
    assert visit.is_overdue((1 + MAX_DELAY) * 30, 30)


def test_find_address_behind_a_proxy():
    request = SimpleNamespace(headers={"X-Forwarded-For": "192.0.2.9"}, remote_ip="127.0.0.1")
    assert find_address(request) == "192.0.2.9"


def test_has_unsent_until_the_peer_has_read():
    async def run() -> list[bool]:
        server, client = socket.create_server(("127.0.0.1", 0)), socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(server.getsockname())
        stream = IOStream(server.accept()[0])
        found = [has_unsent(stream)]
        stream.write(bytes(200_000)).add_done_callback(lambda done: done.exception())
        found.append(has_unsent(stream))
        client.setblocking(False)
        async with asyncio.timeout(10):
            while has_unsent(stream):
                await asyncio.sleep(0.01)
                try:
                    client.recv(100_000)
                except BlockingIOError:
                    continue
        stream.close()
        found.append(has_unsent(stream))
        client.close()
        server.close()
        return found

    assert asyncio.run(run()) == [False, True, False]


def test_add_stream_ignores_a_request_without_a_stream(visit):
    visit.add_stream(SimpleNamespace(connection=None))
    assert len(visit.streams) == 0
