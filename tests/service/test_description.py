"""What the service says of itself: docs without the internet, units and errors in the schema, health, counters."""

import re

import httpx
import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.service.answers import Label, Probabilities

from .conftest import encode, served


@pytest.fixture
def schema(client):
    return client.get("/openapi.json").json()


def test_docs_load_nothing_from_elsewhere(client):
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


def test_docs_behind_a_proxy_with_a_path(engine):
    """The proxy takes the path away, and the page must ask for its files with it."""
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


def test_front_leads_to_the_docs(client):
    assert client.get("/").url.path == "/docs"


@pytest.mark.parametrize("path", ["/infer", "/infer/batch"])
def test_schema_tells_every_error_with_its_shape(schema, path):
    responses = schema["paths"][path]["post"]["responses"]
    assert set(responses) == {"200", "400", "403", "408", "413", "415", "422", "500", "503"}
    for status in set(responses) - {"200"}:
        assert responses[status]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
        assert len(responses[status]["description"]) > 10
    assert responses["503"]["headers"]["Retry-After"]["description"] == "seconds to wait"


def test_schema_tells_units_and_ranges(schema):
    shapes = schema["components"]["schemas"]
    face = shapes["Face"]["properties"]
    assert "in pixels" in face["box"]["description"]
    assert "in pixels" in face["landmarks"]["anyOf"][0]["items"]["description"]
    assert (face["confidence"]["minimum"], face["confidence"]["maximum"]) == (0, 1)
    assert "in [0, 1]" in shapes["Probabilities"]["description"]
    assert "in pixels" in shapes["FaceTable"]["properties"]["width"]["description"]
    assert "HTTPValidationError" not in shapes


def test_schema_describes_what_is_asked(schema):
    (body,) = schema["paths"]["/infer"]["post"]["requestBody"]["content"].items()
    assert body[0] == "multipart/form-data"
    name = body[1]["schema"]["$ref"].rpartition("/")[2]
    fields = schema["components"]["schemas"][name]["properties"]
    assert fields["model_type"]["enum"] == ["face", "emotion", "faces"]
    assert all(field["description"] for field in fields.values())
    assert "/stream" in schema["info"]["description"]


def test_answers_name_the_emotions_in_their_order():
    assert tuple(Probabilities.model_fields) == EMOTIONS
    assert Label.__args__ == EMOTIONS


def test_health_says_what_runs(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["network_sha256"] == "0" * 64
    assert (answer.json()["busy"], answer.json()["streams"]) == (0, 0)


def test_metrics_count_requests_by_path_and_status(client, portrait):
    for model_type in ("face", "faces", "smile"):
        client.post("/infer", files={"file": portrait}, data={"model_type": model_type})
    for number in range(3):
        client.get(f"/made/up/{number}")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'fer_requests_total{path="/infer",status="200"} 2.0' in lines
    assert 'fer_requests_total{path="/infer",status="422"} 1.0' in lines
    assert 'fer_requests_total{path="other",status="404"} 3.0' in lines
    assert 'fer_request_seconds_count{path="/infer"} 3.0' in lines
    assert "fer_busy 0.0" in lines


def test_metrics_count_frames_and_streams(client, portrait):
    with client.websocket_connect("/stream") as socket:
        for data in (portrait, b"no picture"):
            socket.send_bytes(data)
            socket.receive_json()
        lines = client.get("/metrics").text.splitlines()
    assert "fer_streams 1.0" in lines
    assert 'fer_stream_frames_total{outcome="answered"} 1.0' in lines
    assert 'fer_stream_frames_total{outcome="refused"} 1.0' in lines


def test_nothing_of_a_picture_is_kept_on_the_disk(client, tmp_path, monkeypatch):
    """A picture over one megabyte, where the parser of forms would use a temporary file by default."""
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
