"""With a token configured: no page, kernel, file or websocket without it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from harness.servers import NOTEBOOK, serve_jupyter, serve_voila

pytestmark = pytest.mark.timeout(600)
TOKEN = "token-of-the-test"
KERNEL = "/".join(("api/kernels", "0" * 8 + "-0000-4000-8000-" + "0" * 12))


@pytest.fixture(scope="module", params=["voila", "server"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A server with a token: its URL, and the path of its page."""
    if request.param == "voila":
        with serve_voila(options=(f"--Voila.token={TOKEN}",)) as url:
            yield url, ""
    else:
        with serve_jupyter("server", token=TOKEN) as url:
            yield url, f"voila/render/{NOTEBOOK}"


def fetch(address: str, **options: Any) -> Any:
    request = HTTPRequest(address, follow_redirects=False, request_timeout=120, **options)

    async def run() -> Any:
        return await AsyncHTTPClient(force_instance=True).fetch(request, raise_error=False)

    return asyncio.run(run())


def test_no_page_without_the_token(server):
    url, page = server
    for wrong in ("", "?token=", "?token=something-else"):
        response = fetch(url + page + wrong)
        assert response.code in (302, 401, 403)
        assert b"kernelId" not in (response.body or b"")


@pytest.mark.parametrize("path", ["api/kernels", KERNEL, "api/contents", "voila/files/voila.json", "files/voila.json"])
def test_no_other_path_without_the_token(server, path):
    response = fetch(server[0] + path)
    assert response.code in (302, 401, 403, 404)
    assert b"kernel_websocket_connection_class" not in (response.body or b"")


def test_no_kernel_is_started_without_the_token(server):
    assert fetch(f"{server[0]}api/kernels", method="POST", body="{}").code in (401, 403, 404)


def test_no_websocket_without_the_token(server):
    async def connect() -> None:
        await websocket_connect(f"{server[0].replace('http', 'ws', 1)}{KERNEL}/channels")

    with pytest.raises(HTTPClientError) as refused:
        asyncio.run(connect())
    assert refused.value.code in (401, 403)


def test_page_with_the_token(server):
    url, page = server
    response = fetch(f"{url}{page}?token={TOKEN}")
    assert response.code == 200
    assert b"kernelId" in response.body
