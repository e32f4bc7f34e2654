"""Admission control of the page on a real server: a limit of one visitor, and a session of one second."""

import asyncio
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from voila.app import Voila

from fer_lib.live.server.admission import RETRY_S, VisitorLimit, render_full_page
from fer_lib.live.server.settings import load_or_default
from fer_lib.settings import ServerSettings
from harness.servers import serve_voila
from harness.visitor import Visitor


def get(url: str) -> tuple[int, dict[str, str], str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.status, dict(response.headers), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def wait_for_status(url: str, status: int) -> None:
    deadline = time.monotonic() + 60
    while get(url)[0] != status:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def small(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server with a visitor limit of one and the settings of the test."""
    with serve_voila(environment={"FER_MAX_VISITORS": "1", **request.param}) as url:
        yield url


@pytest.mark.parametrize("small", [{}], indirect=True)
def test_visitor_limit_503_until_a_visitor_leaves(small):
    visitor = Visitor(small)
    asyncio.run(open_and_close(visitor))
    status, headers, page = get(small)
    assert (status, headers["Retry-After"]) == (503, str(RETRY_S))
    assert headers["Content-Type"].startswith("text/html")
    assert page == render_full_page()
    assert get(f"{small}voila/static/voila.js")[0] == 200
    leave = urllib.request.Request(f"{small}voila/api/shutdown/{visitor.kernel_id}", method="POST", data=b"")
    leave.add_header("Cookie", "_xsrf=x")
    leave.add_header("X-XSRFToken", "x")
    with urllib.request.urlopen(leave, timeout=60) as response:
        assert response.status == 204
    wait_for_status(small, 200)


@pytest.mark.parametrize("small", [{"FER_MAX_SESSION_S": "1"}], indirect=True)
def test_max_session_s_ends_the_kernel(small):
    visitor = Visitor(small)
    asyncio.run(open_and_close(visitor))
    wait_for_status(f"{small}api/kernels/{visitor.kernel_id}", 404)
    wait_for_status(small, 200)


@pytest.mark.parametrize("small", [{"FER_MAX_VISITORS": "2"}], indirect=True)
def test_visitor_limit_holds_for_concurrent_requests(small):
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: get(small)[0], range(6)))
    assert sorted(statuses) == [200, 200, 503, 503, 503, 503]


async def open_and_close(visitor: Visitor) -> None:
    await visitor.open()
    visitor.close()


def test_visitor_limit_is_configured_by_name():
    assert (
        Voila(identity_provider_class="fer_lib.live.server.admission.VisitorLimit").identity_provider_class
        is VisitorLimit
    )


def test_get_handlers_raises_without_an_application():
    with pytest.raises(AttributeError, match="app"):
        VisitorLimit(parent=Voila()).get_handlers()


def test_render_full_page_reloads_and_loads_nothing_else():
    page = render_full_page()
    assert f'<meta http-equiv="refresh" content="{RETRY_S}">' in page
    assert "--fer-back" in page
    assert not re.search(r"//|\$\w", page.replace("data:;base64,=", ""))


def test_load_or_default_returns_defaults_for_an_invalid_value(monkeypatch):
    monkeypatch.setenv("FER_MAX_VISITORS", "many")
    assert load_or_default(ServerSettings).max_visitors is None


@pytest.mark.parametrize("small", [{}], indirect=True)
def test_headers_and_cookies_of_the_page(small):
    for status in (200, 503):
        found, headers, _ = get(small)
        assert found == status
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        name, _, attributes = headers["Set-Cookie"].partition("=")
        assert name.startswith("username-localhost-")
        assert "HttpOnly" in attributes
        assert "SameSite=Lax" in attributes
        assert "expires" not in attributes.lower()
