"""Untrusted clients of the live page's server: a script sends what a browser could send."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from fer_lib.live.server.connection import MAX_CONNECTIONS, MAX_UNREAD_BYTES
from fer_lib.live.session.commands import DEMO
from harness.clips import compose_clip
from harness.servers import serve_voila
from harness.visitor import Visitor

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve_voila() as url:
        yield url


def visit(server: str, act: Callable[[Visitor], Awaitable[Any]]) -> Any:
    """Open the page as a visitor, run `act`, and close the page."""

    async def run() -> Any:
        visitor = Visitor(server)
        try:
            await visitor.open()
            return await asyncio.wait_for(act(visitor), 120)
        finally:
            visitor.close()

    return asyncio.run(run())


async def fetch(url: str, **options: Any) -> Any:
    return await AsyncHTTPClient().fetch(HTTPRequest(url, **options), raise_error=False)


async def is_served(visitor: Visitor) -> bool:
    """Return whether the kernel processes frames; after a flood the rate limit may drop them for some seconds."""
    before = len(visitor.result_times_s)
    for _ in range(20):
        await visitor.stream(compose_clip(3).jpegs, 10, 1)
        if len(visitor.result_times_s) > before:
            return True
    return False


KINDS = (
    *("execute_request", "complete_request", "inspect_request", "history_request", "is_complete_request"),
    *("input_reply", "shutdown_request", "interrupt_request", "debug_request", "create_subshell_request"),
)


def test_code_is_not_executed(server, tmp_path):
    proof = tmp_path / "proof"

    async def attack(visitor: Visitor) -> bool:
        code = f"open({str(proof)!r}, 'w').close()"
        for kind in KINDS:
            await visitor.send(kind, {"code": code, "silent": False, "user_expressions": {}, "allow_stdin": False})
        return await is_served(visitor)

    assert visit(server, attack)
    assert not proof.exists()


FILES = {
    # Voila redirects all other paths than that of its page to its files, of which none are allowed.
    "notebooks/04_live.ipynb": 302,
    "voila.json": 302,
    "weights/emotion.onnx": 302,
    "voila/render/../../etc/passwd": 302,
    "api/contents": 302,
    "api/kernels": 302,
    "api/terminals": 302,
    "files/voila.json": 302,
    "voila/files/voila.json": 403,
    "voila/files/notebooks/04_live.ipynb": 403,
    "voila/static/../../../voila.json": 403,
    "voila/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd": 403,
    "voila/static/..%2f..%2f..%2f..%2fetc%2fpasswd": 403,
    # Voila's handler of templates raises an error for paths outside of the folder.
    "voila/templates/fer/static/../../../../../../../etc/passwd": 500,
    "voila/templates/fer/static/%2e%2e%2f%2e%2e%2fconf.json": 500,
}


@pytest.mark.parametrize(("path", "status"), FILES.items())
def test_files_are_not_served(server, path, status):
    response = asyncio.run(fetch(server + path, follow_redirects=False))
    assert response.code == status
    assert response.headers.get("Location") == (f"/voila/files/{path}" if status == 302 else None)
    assert b"root:" not in (response.body or b"")
    assert b"kernel_websocket_connection_class" not in (response.body or b"")


def test_websocket_of_another_origin_is_refused(server):
    async def attack(visitor: Visitor) -> None:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels"
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(HTTPRequest(address, headers={"Origin": "https://evil.example"}))
        assert refused.value.code == 403
        assert await is_served(visitor)

    visit(server, attack)


def test_websocket_of_an_unknown_kernel_is_refused(server):
    async def attack() -> None:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{'0' * 8}-0000-4000-8000-{'0' * 12}/channels"
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(address)
        assert refused.value.code == 404

    asyncio.run(attack())


def test_shutdown_needs_the_xsrf_cookie(server):
    async def leave(visitor: Visitor) -> tuple[int, int]:
        url = f"{server}voila/api/shutdown/{visitor.kernel_id}"
        without = await fetch(url, method="POST", body="_xsrf=")
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels?session_id=other"
        socket = await websocket_connect(address)
        cookie = re.search(r"_xsrf=([^;]+)", socket.headers["Set-Cookie"])[1]
        with_cookie = await fetch(url, method="POST", body=f"_xsrf={cookie}", headers={"Cookie": f"_xsrf={cookie}"})
        return without.code, with_cookie.code

    assert visit(server, leave) == (403, 204)


MALFORMED = [
    b"",
    b"\xff" * 100,
    (1 << 40).to_bytes(8, "little") + bytes(100),
    (1 << 30).to_bytes(4, "big") + bytes(100),
    b"\0\0\0\x01\0\0\0\x08not json",
    b"\0\0\0\x01\0\0\0\x08[]",
    b"\0\0\0\x01\0\0\0\x08" + b"[" * 100_000,
    b"\0\0\0\x01\0\0\0\x08" + json.dumps({"header": 5, "parent_header": {}, "channel": "shell"}).encode(),
    b"\0\0\0\x01\0\0\0\x08" + json.dumps({"header": {}, "parent_header": {}, "channel": "nowhere"}).encode(),
]


def test_malformed_messages_do_not_stop_the_stream(server):
    async def attack(visitor: Visitor) -> bool:
        for raw in MALFORMED * 20:
            await visitor.write(raw)
        for content in (None, 5, {"comm_id": "x", "data": {}}, {"comm_id": ["x"], "data": {"method": "custom"}}):
            await visitor.send("comm_msg", content)
        return await is_served(visitor)

    assert visit(server, attack)


def test_binary_messages_in_the_legacy_protocol(server):
    """Voila would read a number of 2⁵⁸ parts in such a message."""

    async def request_demo(visitor: Visitor) -> bytes:
        await visitor.send_custom({"type": "demo"})
        return await visitor.receive(lambda message: message.get("buffers") and bytes(message["buffers"][0]))

    assert visit(server, request_demo).startswith(b"\xff\xd8")


def test_flooding_client_is_disconnected_and_refused(server):
    async def attack(visitor: Visitor) -> None:
        with suppress(WebSocketClosedError):
            for _ in range(100_000):
                await visitor.write(MALFORMED[0])
        with pytest.raises(RuntimeError, match="closed the connection"):
            await visitor.receive(lambda message: False)
        with pytest.raises(HTTPClientError) as refused:
            await visitor.connect()
        assert refused.value.code == 429

    visit(server, attack)
    assert visit(server, is_served), "another visitor is served"


def test_connections_to_a_kernel_are_limited(server):
    async def attack(visitor: Visitor) -> bool:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels?session_id="
        opening = [websocket_connect(f"{address}{number}") for number in range(3 * MAX_CONNECTIONS)]
        await asyncio.gather(*opening, return_exceptions=True)
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(f"{address}later")
        assert refused.value.code == 429
        return await is_served(visitor)

    assert visit(server, attack), "the first connection stays open"


def test_client_that_does_not_read_is_disconnected(server):
    """Request an image of 100 kB repeatedly and read none."""

    async def attack(visitor: Visitor) -> int:
        before = len(DEMO.read_bytes())
        requested = 0
        with suppress(WebSocketClosedError):
            while requested * before < 4 * MAX_UNREAD_BYTES:
                await visitor.send_custom({"type": "demo"})
                requested += 1
                await asyncio.sleep(1 / 80)
        return requested * before

    assert visit(server, attack) < 3 * MAX_UNREAD_BYTES
    assert visit(server, is_served), "another visitor is served"


def test_client_that_sends_a_huge_message_is_disconnected(server):
    async def attack(visitor: Visitor) -> None:
        with suppress(WebSocketClosedError):  # it may be disconnected while the message is being sent
            await visitor.write(bytes(11_000_000))
        with pytest.raises(RuntimeError, match="closed the connection"):
            await visitor.receive(lambda message: False)

    visit(server, attack)
