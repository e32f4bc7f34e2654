"""What strangers may not do with the server of the live page: a script speaks for their browsers."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from benchmarks.clips import compose_clip
from benchmarks.servers import serve_voila
from benchmarks.visitor import Visitor
from fer_lib.live.commands import DEMO
from fer_lib.live.connection import MAX_CONNECTIONS, MAX_UNSENT_BYTES

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve_voila() as url:
        yield url


def visit(server: str, what: Callable[[Visitor], Awaitable[Any]]) -> Any:
    """Open the page as a visitor, do something, and leave."""

    async def run() -> Any:
        visitor = Visitor(server)
        try:
            await visitor.open()
            return await asyncio.wait_for(what(visitor), 120)
        finally:
            visitor.close()

    return asyncio.run(run())


async def fetch(url: str, **options: Any) -> Any:
    return await AsyncHTTPClient().fetch(HTTPRequest(url, **options), raise_error=False)


async def is_served(visitor: Visitor) -> bool:
    """Whether the kernel still answers frames; a flood before may have used up the patience for some seconds."""
    before = len(visitor.answered_s)
    for _ in range(20):
        await visitor.stream(compose_clip(3).jpegs, 10, 1)
        if len(visitor.answered_s) > before:
            return True
    return False


KINDS = (
    *("execute_request", "complete_request", "inspect_request", "history_request", "is_complete_request"),
    *("input_reply", "shutdown_request", "interrupt_request", "debug_request", "create_subshell_request"),
)


def test_code_is_not_run(server, tmp_path):
    proof = tmp_path / "proof"

    async def attack(visitor: Visitor) -> bool:
        code = f"open({str(proof)!r}, 'w').close()"
        for kind in KINDS:
            await visitor.send(kind, {"code": code, "silent": False, "user_expressions": {}, "allow_stdin": False})
        return await is_served(visitor)

    assert visit(server, attack)
    assert not proof.exists()


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/04_live.ipynb",
        "voila.json",
        "weights/emotion.onnx",
        "voila/files/voila.json",
        "voila/static/../../../voila.json",
        "voila/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "voila/templates/fer/static/../../../../../../../etc/passwd",
        "voila/templates/fer/static/%2e%2e%2f%2e%2e%2fconf.json",
        "voila/render/../../etc/passwd",
        "api/contents",
        "api/kernels",
        "api/terminals",
        "files/voila.json",
    ],
)
def test_files_are_not_served(server, path):
    async def ask() -> Any:
        return await fetch(server + path, follow_redirects=False)

    answer = asyncio.run(ask())
    # 500: Voila's own handler of templates stumbles over such a path, and serves nothing.
    assert answer.code in (302, 400, 403, 404, 500)
    assert b"root:" not in (answer.body or b"")
    assert b"kernel_websocket_connection_class" not in (answer.body or b"")


def test_pages_of_other_sites_get_no_socket(server):
    async def attack(visitor: Visitor) -> None:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels"
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(HTTPRequest(address, headers={"Origin": "https://evil.example"}))
        assert refused.value.code == 403
        assert await is_served(visitor)

    visit(server, attack)


def test_kernels_of_others_cannot_be_guessed(server):
    async def attack() -> None:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{'0' * 8}-0000-4000-8000-{'0' * 12}/channels"
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(address)
        assert refused.value.code in (403, 404)

    asyncio.run(attack())


def test_only_the_page_itself_ends_its_kernel(server):
    """The page proves by a cookie, which no other site can read, that it is the one that asks."""

    async def leave(visitor: Visitor) -> tuple[int, int]:
        url = f"{server}voila/api/shutdown/{visitor.kernel_id}"
        forged = await fetch(url, method="POST", body="_xsrf=")
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels?session_id=other"
        socket = await websocket_connect(address)
        cookie = re.search(r"_xsrf=([^;]+)", socket.headers["Set-Cookie"])[1]
        honest = await fetch(url, method="POST", body=f"_xsrf={cookie}", headers={"Cookie": f"_xsrf={cookie}"})
        return forged.code, honest.code

    assert visit(server, leave) == (403, 204)


GARBAGE = [
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


def test_garbage_does_not_stop_the_stream(server):
    async def attack(visitor: Visitor) -> bool:
        for raw in GARBAGE * 20:
            await visitor.write(raw)
        for content in (None, 5, {"comm_id": "x", "data": {}}, {"comm_id": ["x"], "data": {"method": "custom"}}):
            await visitor.send("comm_msg", content)
        return await is_served(visitor)

    assert visit(server, attack)


def test_files_for_those_who_speak_the_older_protocol(server):
    """Voila takes the parts of such an answer for 2⁵⁸ of its own, and would never be done with it."""

    async def ask(visitor: Visitor) -> bytes:
        await visitor.tell({"type": "demo"})
        return await visitor.receive(lambda message: message.get("buffers") and bytes(message["buffers"][0]))

    assert visit(server, ask).startswith(b"\xff\xd8")


def test_a_flood_costs_its_sender_the_connection(server):
    async def attack(visitor: Visitor) -> None:
        with suppress(WebSocketClosedError):
            for _ in range(100_000):
                await visitor.write(GARBAGE[0])
        with pytest.raises(RuntimeError, match="hung up"):
            await visitor.receive(lambda message: False)
        with pytest.raises(HTTPClientError) as refused:
            await visitor.connect()
        assert refused.value.code == 429

    visit(server, attack)
    assert visit(server, is_served), "another visitor does not notice"


def test_a_kernel_has_few_connections(server):
    async def attack(visitor: Visitor) -> bool:
        address = f"{server.replace('http', 'ws', 1)}api/kernels/{visitor.kernel_id}/channels?session_id="
        opening = [websocket_connect(f"{address}{number}") for number in range(3 * MAX_CONNECTIONS)]
        await asyncio.gather(*opening, return_exceptions=True)
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(f"{address}later")
        assert refused.value.code == 429
        return await is_served(visitor)

    assert visit(server, attack), "the page that was there first is served"


def test_messages_that_nobody_reads_cost_the_connection(server):
    """Ask for a picture of 100 kB again and again and read none; the server keeps no more than its limit."""

    async def attack(visitor: Visitor) -> int:
        before = len(DEMO.read_bytes())
        asked = 0
        with suppress(WebSocketClosedError):
            while asked * before < 4 * MAX_UNSENT_BYTES:
                await visitor.tell({"type": "demo"})
                asked += 1
                await asyncio.sleep(1 / 80)
        return asked * before

    assert visit(server, attack) < 3 * MAX_UNSENT_BYTES
    assert visit(server, is_served), "another visitor does not notice"


def test_a_huge_message_costs_its_sender_the_connection(server):
    async def attack(visitor: Visitor) -> None:
        with suppress(WebSocketClosedError):  # it may already be over while we are still sending
            await visitor.write(bytes(11_000_000))
        with pytest.raises(RuntimeError, match="hung up"):
            await visitor.receive(lambda message: False)

    visit(server, attack)
