"""Culling of kernels without a connection: with a fake manager, and on a real server with a limit of two visitors."""

import asyncio
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from voila.paths import collect_static_paths

from fer_lib.live.server.kernel_culler import KernelCuller
from harness.servers import serve_voila
from harness.visitor import KERNEL, Visitor

TIMEOUT_S = 1.5
SCRIPT = "voila/static/voila.js"


class FakeManager:
    """A kernel manager without kernel processes; shutting down a kernel in `broken` fails."""

    def __init__(self) -> None:
        self.kernels: set[str] = set()
        self.broken: set[str] = set()

    async def start_kernel(self, kernel_id: str) -> str:
        await asyncio.sleep(0)
        self.kernels.add(kernel_id)
        return kernel_id

    async def get_rendered_notebook(self, kernel_id: str) -> tuple[None, list[str], str]:
        return None, [], await FakeManager.start_kernel(self, kernel_id)

    def notify_connect(self, kernel_id: str) -> None:
        pass

    def notify_disconnect(self, kernel_id: str) -> None:
        pass

    async def shutdown_kernel(self, kernel_id: str, now: bool) -> None:
        if kernel_id in self.broken:
            raise RuntimeError("a kernel that can't be shut down")
        self.kernels.discard(kernel_id)

    def __contains__(self, kernel_id: str) -> bool:
        return kernel_id in self.kernels


def make_handler(address: str = "192.0.2.1") -> Any:
    request = SimpleNamespace(headers={}, remote_ip=address, connection=None, path="/")
    return SimpleNamespace(request=request, _finished=True)


async def wait_until_gone(manager: FakeManager, *kernels: str) -> None:
    async with asyncio.timeout(10):
        while manager.kernels & set(kernels):
            await asyncio.sleep(0.01)


def test_culler_culls_unconnected_kernels_only():
    async def run() -> set[str]:
        manager = FakeManager()
        culler = KernelCuller(manager, 0.1)

        async def visit(kernel_id: str, method: str) -> None:
            culler.add_visit(make_handler())
            await getattr(manager, method)(kernel_id)

        names = ["preheated", "started", "connected", "reloaded"]
        methods = ["get_rendered_notebook", "start_kernel", "start_kernel", "get_rendered_notebook"]
        await asyncio.gather(*map(visit, names, methods))
        await FakeManager.start_kernel(manager, "pool")  # as Voila does for its pool, not through the wrapped method
        manager.notify_connect("connected")
        manager.notify_connect("reloaded")
        await wait_until_gone(manager, "preheated", "started")
        return manager.kernels

    assert asyncio.run(run()) == {"pool", "connected", "reloaded"}


def test_culler_continues_after_a_failed_shutdown():
    async def run() -> set[str]:
        manager = FakeManager()
        manager.broken.add("broken")
        culler = KernelCuller(manager, 0.1)

        async def visit(kernel_id: str) -> None:
            culler.add_visit(make_handler())
            await manager.start_kernel(kernel_id)

        await asyncio.gather(*map(visit, ["broken", "other"]))
        await wait_until_gone(manager, "other")
        await visit("later")
        await wait_until_gone(manager, "later")
        return manager.kernels

    assert asyncio.run(run()) == {"broken"}


def test_culler_culls_disconnected_kernels_unless_they_reconnect():
    async def run() -> set[str]:
        manager = FakeManager()
        culler = KernelCuller(manager, 0, reconnect_s=0.2)
        for kernel_id in ("left", "second", "back", "unconnected"):
            culler.add_visit(make_handler())
            await manager.start_kernel(kernel_id)
        for kernel_id in ("left", "second", "second", "back"):
            manager.notify_connect(kernel_id)
        for kernel_id in ("back", "left", "second"):  # of `second` one connection remains
            manager.notify_disconnect(kernel_id)
        manager.notify_connect("back")
        await wait_until_gone(manager, "left")
        await asyncio.sleep(0.3)
        return manager.kernels

    assert asyncio.run(run()) == {"second", "back", "unconnected"}


def test_observe_ignores_other_clients_and_paths():
    async def run() -> list[bool]:
        culler = KernelCuller(FakeManager(), 30)
        handler = make_handler("192.0.2.1")
        culler.add_visit(handler)
        (visit,) = culler._visits
        found = []
        for address, path in (("192.0.2.2", f"/{SCRIPT}"), ("192.0.2.1", "/"), ("192.0.2.1", f"/{SCRIPT}")):
            visit.loading_s = 0
            culler.observe(SimpleNamespace(headers={}, remote_ip=address, connection=None, path=path))
            found.append(visit.loading_s > 0)
        culler._task.cancel()
        return found

    assert asyncio.run(run()) == [False, False, True]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve_voila(environment={"FER_CONNECT_TIMEOUT_S": str(TIMEOUT_S), "FER_MAX_VISITORS": "2"}) as url:
        yield url


def get(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def wait_for(url: str, status: int) -> str:
    deadline = time.monotonic() + 60
    while True:
        found, body = get(url)
        if found == status:
            return body
        assert time.monotonic() < deadline, (url, found)
        time.sleep(0.2)


def open_page(server: str) -> str:
    """Get the page as soon as the visitor limit allows, without connecting; return the URL of its kernel."""
    return f"{server}api/kernels/{KERNEL.search(wait_for(server, 200))[1]}"


def test_kernels_without_a_websocket_are_culled(server):
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: get(server)[0], range(6)))
    assert sorted(statuses) == [200, 200, 503, 503, 503, 503]
    kernel = open_page(server)
    wait_for(kernel, 404)


def test_kernel_of_a_connected_page_is_kept(server):
    """Until `reconnect_timeout_s`; a kernel that started later and was never connected is culled before."""
    visitor = Visitor(server)

    async def open_and_close() -> None:
        await visitor.open()
        visitor.close()

    asyncio.run(open_and_close())
    kernel = f"{server}api/kernels/{visitor.kernel_id}"
    wait_for(open_page(server), 404)
    assert get(kernel)[0] == 200
    end_kernel(server, visitor.kernel_id)
    wait_for(kernel, 404)


def end_kernel(server: str, kernel_id: str) -> None:
    request = urllib.request.Request(f"{server}voila/api/shutdown/{kernel_id}", method="POST", data=b"")
    request.add_header("Cookie", "_xsrf=x")
    request.add_header("X-XSRFToken", "x")
    urllib.request.urlopen(request, timeout=60).close()


def test_kernel_of_a_closed_page_is_culled():
    """Two clients connect and leave; after `reconnect_timeout_s` the next visitor is admitted."""
    environment = {"FER_RECONNECT_TIMEOUT_S": "1", "FER_MAX_VISITORS": "2"}
    with serve_voila(environment=environment) as url:
        visitors = Visitor(url), Visitor(url)

        async def open_and_close() -> None:
            for visitor in visitors:
                await visitor.open()
            assert await asyncio.to_thread(get, url) == (503, "")
            for visitor in visitors:
                visitor.close()

        asyncio.run(open_and_close())
        for visitor in visitors:
            wait_for(f"{url}api/kernels/{visitor.kernel_id}", 404)
        assert wait_for(url, 200)


def test_other_methods_start_no_kernel(server):
    wait_for(open_page(server), 404)
    for _ in range(4):
        assert get(server, "HEAD")[0] == 405
        assert get(server, "POST")[0] == 403
    assert get(server)[0] == 200
    wait_for(open_page(server), 404)


def test_kernels_of_aborted_requests_are_culled(server):
    address = urlsplit(server)
    for _ in range(6):
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    first, second = open_page(server), open_page(server)
    assert first != second
    wait_for(first, 404)
    wait_for(second, 404)


def test_slow_link_keeps_its_kernel_while_scripts_are_loading(server):
    """A client reads a large script slowly for longer than the timeout, and then stops."""
    address = urlsplit(server)
    kernel = open_page(server)
    start_s = time.monotonic()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        path = find_largest_script()
        connection.sendall(f"GET /voila/templates/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert re.match(rb"HTTP/1.1 200", connection.recv(1000))
        while time.monotonic() < start_s + 1.5 * TIMEOUT_S:
            connection.recv(1000)
            assert get(kernel)[0] == 200
            time.sleep(0.05)
    wait_for(kernel, 404)


def find_largest_script() -> str:
    for folder in collect_static_paths(["voila"], "base"):
        scripts = sorted(Path(folder).glob("*.js"), key=lambda path: path.stat().st_size)
        if scripts:
            return f"base/static/{scripts[-1].name}"
    raise FileNotFoundError("Voila's scripts must be in its template `base`, but are not")
