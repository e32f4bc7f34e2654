"""Host and Origin checks against DNS rebinding and cross-site requests, over HTTP and WebSockets."""

import pytest
from starlette.testclient import WebSocketDenialResponse

from fer_lib.service.protection.access import is_allowed_origin
from fer_lib.settings import ServiceSettings
from tests.service.conftest import served
from tests.service.raw_sockets import connect, open_stream


def request(client, host="localhost", path="/health", **headers):
    return client.get(path, headers={"host": host, **headers})


def open_socket(client, **headers):
    """Open a stream and return the status: 101, or that of the denial response."""
    try:
        with client.websocket_connect("/stream", headers=headers):
            return 101
    except WebSocketDenialResponse as denial:
        return denial.status_code if list(denial.json()) == ["detail"] else 0


@pytest.fixture
def local(make_client):
    """A service with default settings, which listens on the loopback address only."""
    return make_client(allowed_hosts="")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "localhost."])
def test_host_check_local_names(local, host):
    assert request(local, host).status_code == 200
    assert open_socket(local, host=host) == 101


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "10.0.0.1"])
@pytest.mark.parametrize(
    "path", ["/health", "/docs", "/metrics", "/", "/nothing", "/static-offline-docs/swagger-ui.css"]
)
def test_host_check_foreign_names(local, host, path):
    response = request(local, host, path)
    assert response.status_code == 403
    assert "FER_SERVICE_ALLOWED_HOSTS" in response.json()["detail"]
    assert open_socket(local, host=host) == 403


def test_host_check_before_the_body_is_processed(local, engine, portrait):
    response = local.post(
        "/infer", files={"file": portrait}, data={"model_type": "face"}, headers={"host": "evil.example"}
    )
    assert response.status_code == 403
    assert not engine.started.acquire(blocking=False)


def test_host_check_allowed_hosts(make_client):
    client = make_client(allowed_hosts="faces.example.org, 10.0.0.5")
    for host in ("faces.example.org", "Faces.Example.ORG:443", "10.0.0.5:8000", "localhost"):
        assert request(client, host).status_code == 200
        assert open_socket(client, host=host) == 101
    assert request(client, "evil.example").status_code == 403


@pytest.mark.parametrize(
    "settings", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "10.0.0.5"}, {"allowed_hosts": "*"}]
)
def test_host_check_off_for_other_addresses(make_client, settings):
    client = make_client(**{"allowed_hosts": "", **settings})
    assert request(client, "service:8000").status_code == 200
    assert open_socket(client, host="service:8000") == 101


def test_host_check_for_other_addresses_with_allowed_hosts(make_client):
    client = make_client(host="0.0.0.0", allowed_hosts="service")
    assert request(client, "service:8000").status_code == 200
    assert request(client, "evil.example").status_code == 403


@pytest.mark.parametrize(
    "head",
    [b"GET /health HTTP/1.0\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"],
    ids=["no-host", "two-hosts"],
)
def test_host_check_missing_or_repeated_header(engine, head):
    with served(engine) as url, connect(url) as one:
        one.sendall(head)
        assert one.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:3000",
        "http://localhost",
        "http://localhost.evil.example:8000",
        "http://evil.example:8000",
        "null",
        "",
        "file://",
        "localhost:8000",
        "http://localhost:8000/evil",
        "http://localhost:8000@evil.example",
        "http://evil.example@localhost:8000",
        "http://localhost:8000, https://evil.example",
        "http://localhost:99999",
        "http://[::1",
    ],
)
def test_origin_check_foreign_origins(local, portrait, origin):
    assert open_socket(local, host="localhost:8000", origin=origin) == 403
    response = local.post(
        "/infer",
        files={"file": portrait},
        data={"model_type": "face"},
        headers={"host": "localhost:8000", "origin": origin},
    )
    assert response.status_code == 403
    assert "FER_SERVICE_ALLOWED_ORIGINS" in response.json()["detail"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("HTTP://LOCALHOST:8000", "localhost:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1", "127.0.0.1:80"),
        # Behind a proxy with TLS.
        ("https://faces.example.org", "faces.example.org"),
        ("https://faces.example.org", "faces.example.org:443"),
    ],
)
def test_origin_check_own_origin(make_client, portrait, origin, host):
    client = make_client(allowed_hosts="faces.example.org")
    assert open_socket(client, host=host, origin=origin) == 101


def test_origin_check_repeated_header(engine):
    with served(engine) as url:
        own = f"Origin: {url}"
        host = url.removeprefix("http://")
        open_stream(url, own, host=host).close()
        open_stream(url, own, own, host=host, status=400).close()


def test_origin_check_missing_header(local):
    assert open_socket(local, host="localhost") == 101


@pytest.mark.parametrize("allowed", ["https://app.example", "https://APP.example/ ,https://b.example", "*"])
def test_origin_check_allowed_origins(make_client, portrait, allowed):
    client = make_client(allowed_origins=allowed)
    origin = "https://app.example"
    assert open_socket(client, origin=origin) == 101
    response = client.post("/infer", files={"file": portrait}, data={"model_type": "face"}, headers={"origin": origin})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] in (origin, "*")
    preflight = client.options("/infer", headers={"origin": origin, "access-control-request-method": "POST"})
    assert preflight.status_code == 200
    if allowed != "*":
        assert open_socket(client, origin="https://evil.example") == 403
        assert (
            "access-control-allow-origin"
            not in client.get("/health", headers={"origin": "https://evil.example"}).headers
        )


def test_cors_off_by_default(local):
    response = request(local, origin="https://evil.example")
    assert "access-control-allow-origin" not in response.headers
    preflight = local.options(
        "/infer",
        headers={"host": "localhost", "origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert preflight.status_code == 405


@pytest.mark.parametrize("origins", ["app.example", "https://app.example/page", "https://a b", "javascript:alert(1)"])
def test_allowed_origins_invalid_values(origins):
    with pytest.raises(ValueError, match="`FER_SERVICE_ALLOWED_ORIGINS` must be"):
        ServiceSettings.load(allowed_origins=origins)


def test_is_allowed_origin_without_a_host():
    assert not is_allowed_origin("http://none", None, ())
    assert not is_allowed_origin("http://none", "none:x", ())
