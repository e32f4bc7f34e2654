"""Security headers: on an application without Voila."""

from types import SimpleNamespace

import pytest
from tornado.web import Application

from fer_lib.live.server.headers import CSP, HEADERS, add_headers, add_page_policy, build_policy


def policy(host: str, **headers: str) -> dict[str, str]:
    """Return the headers that are set on a page under a host name."""
    found: dict[str, str] = {}
    request = SimpleNamespace(host=host)
    handler = SimpleNamespace(request=request, settings={"headers": headers}, set_header=found.__setitem__)
    add_page_policy(handler)
    return found


@pytest.mark.parametrize(
    ("host", "sources"),
    [
        ("localhost:8866", "'self' ws://localhost:8866 wss://localhost:8866"),
        ("Faces.example.org", "'self' ws://faces.example.org wss://faces.example.org"),
        ("[::1]:8866", "'self'"),
        ("a;script-src *", "'self'"),
    ],
)
def test_add_page_policy_connects_to_this_server_only(host, sources):
    directives = dict(one.split(" ", 1) for one in policy(host)[CSP].split("; "))
    assert directives["connect-src"] == sources
    assert directives["default-src"] == "'self'"
    assert "eval" not in directives["script-src"]


def test_add_page_policy_keeps_a_configured_one():
    assert policy("localhost", **{CSP: "default-src *"}) == {}


def test_add_headers_keeps_what_is_configured():
    app = Application(headers={"Referrer-Policy": "no-referrer"}, xsrf_cookie_kwargs={"path": "/x"})
    add_headers(app)
    assert app.settings["headers"] == HEADERS | {"Referrer-Policy": "no-referrer"}
    assert app.settings["xsrf_cookie_kwargs"] == {"path": "/x"}


def test_build_policy_allows_no_other_host():
    sources = " ".join(build_policy(None, "").replace(";", "").split())
    assert "*" not in sources
    assert "//" not in sources
