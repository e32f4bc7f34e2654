"""API documentation without internet access, units and errors in the OpenAPI schema, health and metrics."""

import re

import httpx
import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.service.schemas import Label, Probabilities
from tests.service.conftest import encode, served


@pytest.fixture
def schema(client):
    return client.get("/openapi.json").json()


def test_docs_without_internet(client):
    page = client.get("/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 3
    for link in links:
        assert link.startswith("/")
        assert client.get(link).status_code == 200
    assert "://" not in re.sub(r"window\.location\.\w+", "", page.text).replace("' + '", "")
    assert '"validatorUrl": null' in page.text
    style = client.get(next(link for link in links if link.endswith(".css"))).text
    assert re.findall(r"url\((?!['\"]?data:)[^)]*\)|@import", style) == []


def test_docs_root_path(engine):
    """The proxy strips the prefix, and the links of the page must contain it."""
    with served(engine, root_path="/faces") as url, httpx.Client(base_url=url) as client:
        page = client.get("/docs").text
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(links) >= 3
        assert all(link.startswith("/faces/") for link in links)
        assert "'/faces/openapi.json'" in page
        for link in links:
            assert client.get(link.removeprefix("/faces")).status_code == 200
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/faces"}]
        assert client.get("/").headers["location"] == "docs"
        assert client.get("/health").status_code == 200


def test_root_redirects_to_docs(client):
    assert client.get("/").url.path == "/docs"


@pytest.mark.parametrize("path", ["/infer", "/infer/batch"])
def test_schema_error_responses(schema, path):
    responses = schema["paths"][path]["post"]["responses"]
    assert set(responses) == {"200", "400", "403", "408", "413", "415", "422", "500", "503"}
    for status in set(responses) - {"200"}:
        assert responses[status]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
        assert len(responses[status]["description"]) > 10
    assert responses["503"]["headers"]["Retry-After"]["description"] == "seconds to wait"


def test_schema_units_and_ranges(schema):
    shapes = schema["components"]["schemas"]
    face = shapes["Face"]["properties"]
    assert "in pixels" in face["box"]["description"]
    assert "in pixels" in face["landmarks"]["anyOf"][0]["items"]["description"]
    assert (face["confidence"]["minimum"], face["confidence"]["maximum"]) == (0, 1)
    assert "in [0, 1]" in shapes["Probabilities"]["description"]
    assert "in pixels" in shapes["FaceTable"]["properties"]["width"]["description"]
    assert "HTTPValidationError" not in shapes


def test_schema_request_fields(schema):
    (body,) = schema["paths"]["/infer"]["post"]["requestBody"]["content"].items()
    assert body[0] == "multipart/form-data"
    name = body[1]["schema"]["$ref"].rpartition("/")[2]
    fields = schema["components"]["schemas"][name]["properties"]
    assert fields["model_type"]["enum"] == ["face", "emotion", "faces"]
    assert all(field["description"] for field in fields.values())
    assert "/stream" in schema["info"]["description"]


def test_probabilities_field_order():
    assert tuple(Probabilities.model_fields) == EMOTIONS
    assert Label.__args__ == EMOTIONS


def test_health_fields(client):
    response = client.get("/health")
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["network_sha256"]) == ("ok", "0" * 64)
    assert (body["busy"], body["streams"]) == (0, 0)


def test_metrics_requests_by_path_and_status(client, portrait):
    for model_type in ("face", "faces", "smile"):
        client.post("/infer", files={"file": portrait}, data={"model_type": model_type})
    for number in range(3):
        client.get(f"/made/up/{number}")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    lines = response.text.splitlines()
    assert 'fer_requests_total{path="/infer",status="200"} 2.0' in lines
    assert 'fer_requests_total{path="/infer",status="422"} 1.0' in lines
    assert 'fer_requests_total{path="other",status="404"} 3.0' in lines
    assert 'fer_request_seconds_count{path="/infer"} 3.0' in lines
    assert "fer_busy 0.0" in lines


def test_metrics_labels_from_routes_only(client):
    """Label values from requests would let a client grow the memory without limit."""
    paths = [f"/{name}{'/' * slashes}" for name in ("health", "infer", "docs") for slashes in range(6)]
    for path in [
        *paths,
        "/",
        "/infer/%00",
        "/infer?x=1",
        "/INFER",
        "/static-offline-docs/x",
        "/static-offline-docs/a/b",
    ]:
        client.get(path, headers={"x-forwarded-prefix": "/made-up"}, follow_redirects=False)
        client.request("MADE-UP", path, follow_redirects=False)
    labels = set(re.findall(r'fer_requests_total{path="([^"]*)"', client.get("/metrics").text))
    routes = {"/", "/infer", "/health", "/docs", "/static-offline-docs"}
    assert labels <= routes | {f"{route}/" for route in routes} | {"other"}
    assert "other" in labels


def test_metrics_refused_and_failed_requests(make_client, engine, portrait):
    client = make_client(max_upload_mb=(len(portrait) + 1000) / 1e6)
    form = {"data": {"model_type": "face"}}
    client.post("/infer", files={"file": portrait}, headers={"host": "evil.example"}, **form)
    client.post("/infer", files={"file": bytes(len(portrait) + 2000)}, **form)
    engine.fault = RuntimeError("out of memory")
    client.post("/infer", files={"file": portrait}, **form)
    lines = client.get("/metrics").text.splitlines()
    for status in (403, 413, 500):
        assert f'fer_requests_total{{path="/infer",status="{status}"}} 1.0' in lines


def test_metrics_of_two_applications_are_separate(make_client):
    first, second = make_client(), make_client()
    first.get("/health")
    assert 'path="/health"' not in second.get("/metrics").text


def test_metrics_frames_and_streams(client, portrait):
    with client.websocket_connect("/stream") as socket:
        for data in (portrait, b"no image"):
            socket.send_bytes(data)
            socket.receive_json()
        lines = client.get("/metrics").text.splitlines()
    assert "fer_streams 1.0" in lines
    assert 'fer_stream_frames_total{outcome="answered"} 1.0' in lines
    assert 'fer_stream_frames_total{outcome="refused"} 1.0' in lines


def test_infer_large_upload_stays_in_memory(client, monkeypatch):
    """Over one megabyte the form parser uses a temporary file by default."""
    import tempfile

    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    data = encode(noise, ".png")
    assert len(data) > 1_100_000
    written = []
    rollover = tempfile.SpooledTemporaryFile.rollover
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda self: (written.append(1), rollover(self)))
    assert client.post("/infer", files={"file": data}, data={"model_type": "face"}).status_code == 200
    assert written == []
