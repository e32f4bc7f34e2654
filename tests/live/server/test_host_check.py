"""The host check on an application without handlers, on Voila and on JupyterLab."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from tornado.web import Application

from fer_lib.live.server.host_check import VARIABLE, DisallowedHost, add_host_check, format_refusal, get_local_names
from fer_lib.settings import ServerSettings
from harness.servers import NOTEBOOK, serve_jupyter, serve_voila

KERNEL = "/".join(("api/kernels", "0" * 8 + "-0000-4000-8000-" + "0" * 12))
QUERY = KERNEL.replace("api/kernels", "voila/query")
# The page, its files and scripts, those of widgets, the login, kernels, their websockets, and an unknown path.
PATHS = [
    "",
    "?token=x",
    "voila/static/voila.js",
    "voila/templates/fer/static/page.css",
    "voila/labextensions/anywidget/package.json",
    "voila/files/voila.json",
    "voila/api/themes/x",
    f"voila/api/shutdown/{KERNEL[12:]}",
    "login",
    "logout",
    KERNEL,
    f"{KERNEL}/channels",
    QUERY,
    "nowhere",
]
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def request(
    url: str, path: str, hosts: list[str], method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Send a request with any number of `Host` headers; return status and body."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        connection.putrequest(method, path if "://" in path else f"/{path}", skip_host=True)
        for name, value in [*(("Host", host) for host in hosts), *(headers or {}).items()]:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.fixture(scope="module")
def voila() -> Iterator[str]:
    with serve_voila(environment={"FER_ALLOWED_HOSTS": "faces.example.org"}) as url:
        yield url


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_socket", [False, True])
def test_voila_refuses_all_paths_under_another_host(voila, path, is_socket):
    name = f"evil.example:{urlsplit(voila).port}"
    headers = {"Origin": f"http://{name}"} | (UPGRADE if is_socket else {})
    status, body = request(voila, path, [name], headers=headers)
    assert status == 403
    assert VARIABLE in body
    assert "evil.example" in body


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_voila_refuses_all_methods_under_another_host(voila, method):
    assert request(voila, KERNEL, ["evil.example"], method)[0] == 403


@pytest.mark.parametrize(
    "hosts",
    [
        ["localhost.evil.example"],
        ["127.0.0.1.evil.example"],
        ["127.0.0.1.nip.io:8866"],
        ["evil.example."],
        ["faces.example.org.evil.example"],
        ["other.faces.example.org"],
        ["user@localhost"],
        ["127.0.0.2"],
        ["10.0.0.5"],
        ["[::2]"],
        ["0.0.0.0"],
        [""],
        ["localhost", "evil.example"],
        ["evil.example", "localhost"],
        ["localhost", "localhost"],
        ["localhost,evil.example"],
        [],
    ],
)
def test_voila_refuses_other_hosts(voila, hosts):
    # 400: more than one name, or none, is no valid HTTP.
    assert request(voila, "voila/static/voila.js", hosts)[0] in (400, 403)


def test_voila_refuses_http_1_0_without_a_host(voila):
    address = urlsplit(voila)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(b"GET /voila/static/voila.js HTTP/1.0\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == b"403"


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host", "X-HTTP-Host-Override"]
)
def test_voila_ignores_other_headers_with_a_host(voila, header):
    value = "host=localhost" if header == "Forwarded" else "localhost"
    assert request(voila, "voila/static/voila.js", ["evil.example"], headers={header: value})[0] == 403
    assert request(voila, "voila/static/voila.js", ["localhost"], headers={header: "evil.example"})[0] == 200


def test_voila_serves_nothing_for_a_target_with_another_host(voila):
    status, body = request(voila, "http://evil.example/", ["localhost"])
    assert (status, "kernelId" in body) == (404, False)
    assert request(voila, "http://localhost/voila/static/voila.js", ["evil.example"])[0] == 403


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:1",
        "LOCALHOST:8866",
        "localhost.",
        "127.0.0.1:8866",
        "[::1]:8866",
        "[0:0:0:0:0:0:0:1]",
        "faces.example.org",
        "Faces.Example.org.:443",
    ],
)
def test_voila_accepts_local_and_allowed_hosts(voila, host):
    assert request(voila, "voila/static/voila.js", [host])[0] == 200
    assert request(voila, KERNEL, [host])[0] == 404


def test_voila_serves_the_page_under_an_allowed_name(voila):
    status, body = request(voila, "", ["faces.example.org"])
    assert status == 200
    assert '"kernelId"' in body


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    with serve_jupyter("lab") as url:
        yield url


@pytest.mark.parametrize(
    "path",
    ["lab", "tree", "api/kernels", "api/contents", "api/terminals", f"{KERNEL}/channels", f"voila/render/{NOTEBOOK}"],
)
def test_jupyterlab_refuses_another_host(lab, path):
    headers = UPGRADE if path.endswith("channels") else {}
    assert request(lab, path, [f"evil.example:{urlsplit(lab).port}"], headers=headers)[0] == 403
    assert request(lab, path, ["localhost"])[0] != 403


@pytest.mark.parametrize("address", ["0.0.0.0", "", "::", "10.0.0.5"])
def test_add_host_check_at_a_public_address(address):
    rule = make_rule(address, "faces.example.org")
    for host in ("localhost:8866", "10.0.0.5:8866", "[fe80::1]:8866", "faces.example.org", *get_local_names()):
        assert rule.is_allowed([host]), host
    for host in ("evil.example", "10.0.0.5.evil.example", "evil.example:8866", "", "1e1", "2130706433"):
        assert not rule.is_allowed([host]), host


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1", "127.0.0.2"])
def test_add_host_check_at_a_local_address(address):
    rule = make_rule(address, None)
    assert rule.is_allowed(["localhost:8866"])
    for host in ("10.0.0.5", "127.0.0.3", "evil.example", *get_local_names() - {"localhost"}):
        assert not rule.is_allowed([host]), host
    assert rule.is_allowed(["127.0.0.2"]) == (address == "127.0.0.2")


def test_add_host_check_any():
    rule = make_rule("localhost", "*")
    assert rule.is_allowed(["evil.example"])
    assert rule.is_allowed([])


def make_rule(address: str, names: str | None) -> DisallowedHost:
    app = Application()
    add_host_check(app, address, names)
    return app.default_router.rules[0].target.rules[0].matcher


def test_format_refusal_names_the_setting():
    assert f"{VARIABLE}=faces.example.org make app" in format_refusal("Faces.example.org:443")
    assert len(format_refusal("x" * 10_000)) < 500


@pytest.mark.parametrize("names", ["faces.example.org", "a.example, 10.0.0.5,[::1]", "*"])
def test_allowed_hosts_accepts(names):
    assert ServerSettings.load(allowed_hosts=names).allowed_hosts == names


@pytest.mark.parametrize("names", ["https://faces.example.org", "faces.example.org:443", "a b", "a,", "a/b"])
def test_allowed_hosts_refuses(names):
    with pytest.raises(ValueError, match="`FER_ALLOWED_HOSTS` must be"):
        ServerSettings.load(allowed_hosts=names)
