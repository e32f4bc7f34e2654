"""Remote inference of the live page: frames and settings go to the service."""

import re

import numpy as np
import pytest
from factories import compose_frame

from fer_lib.live.page.panel import REMOTE_PRIVACY, Panel
from fer_lib.live.session.fallback import REMOTE_NOTICE, FallbackPipeline
from fer_lib.live.session.remote import RemoteStream, ServiceUnavailableError, stream_address
from fer_lib.live.session.session import Session
from fer_lib.settings import RemoteSettings, VisionSettings
from fer_lib.vision.pipeline import load_pipeline
from tests.service.conftest import ROOT, encode, served
from tests.service.remote_pages import open_pipeline, remote_settings, track_ids


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:8000", "ws://localhost:8000/stream"),
        ("https://faces.example.org/api/", "wss://faces.example.org/api/stream"),
        ("ws://localhost:8000", "ws://localhost:8000/stream"),
    ],
)
def test_stream_address(url, address):
    assert stream_address(remote_settings(url)) == address


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://a b"])
def test_service_url_invalid(url):
    with pytest.raises(ValueError, match="`FER_REMOTE_URL` must be"):
        RemoteSettings.load(url=url)


def test_process_jpeg_matches_local_pipeline(real_engine):
    frames = [encode(compose_frame([(200 + 4 * number, 240, 200), (480, 250, 130)])[0]) for number in range(4)]
    local = load_pipeline()
    with served(real_engine) as url:
        remote = FallbackPipeline(VisionSettings(), remote_settings(url), load_pipeline)
        pairs = [(remote.process_jpeg(data, n / 30), local.process_jpeg(data, n / 30)) for n, data in enumerate(frames)]
    first = pairs[0]
    np.testing.assert_allclose(first[0].xyxy, first[1].xyxy, atol=0.02)
    np.testing.assert_allclose(first[0].landmarks, first[1].landmarks, atol=0.02)
    np.testing.assert_allclose(first[0].probabilities, first[1].probabilities, atol=1e-4)
    np.testing.assert_allclose(first[0].raw_probabilities, first[1].raw_probabilities, atol=1e-4)
    assert [len(track_ids(one)) for one, _ in pairs] == [2] * 4
    assert len({tuple(track_ids(one)) for one, _ in pairs}) == 1
    assert remote.notice == REMOTE_NOTICE
    assert set(remote.timings_ms) == {"total"}


def test_process_jpeg_without_faces(real_engine):
    blank = encode(np.full((120, 160, 3), 128, np.uint8))
    with served(real_engine) as url:
        assert len(open_pipeline(url).process_jpeg(blank, 0.0)) == 0


def test_adjust_smoothing(url, engine, portrait):
    pipeline = open_pipeline(url)
    engine.raw = np.eye(7)[[3, 3]]
    pipeline.process_jpeg(portrait, 0.0)
    engine.raw = np.eye(7)[[5, 5]]
    assert pipeline.process_jpeg(portrait, 0.1).probabilities[0, 5] == pytest.approx(1 - np.exp(-0.1 / 0.3), abs=1e-5)
    pipeline.adjust(0)
    assert pipeline.process_jpeg(portrait, 0.2).probabilities[0, 5] == 1
    engine.raw = np.eye(7)[[3, 3]]
    pipeline.reset()
    pipeline.adjust(60)
    assert pipeline.process_jpeg(portrait, 0.0).probabilities[0, 3] == 1  # a new stream without history


def test_process_jpeg_without_raw_probabilities(url, engine, portrait):
    expected = engine.analyze(np.zeros((480, 640, 3), np.uint8)).probabilities
    np.testing.assert_allclose(open_pipeline(url).process_jpeg(portrait, 0.0).probabilities, expected, atol=1e-5)


def test_process_jpeg_invalid_frame(url, portrait):
    pipeline = open_pipeline(url)
    with pytest.raises(ValueError, match="`file` must be"):
        pipeline.process_jpeg(b"no image", 0.0)
    assert track_ids(pipeline.process_jpeg(portrait, 0.1)) == [7, 3]


def test_remote_stream_not_a_websocket(engine):
    with served(engine) as url, pytest.raises(ServiceUnavailableError):
        RemoteStream(remote_settings(f"{url}/health"))


def test_remote_stream_host_not_allowed(engine):
    with served(engine, host="0.0.0.0", allowed_hosts="faces.example.org") as url:
        RemoteStream(remote_settings(url)).close()
        with pytest.raises(ServiceUnavailableError, match=r"status 403 .*FER_SERVICE_ALLOWED_HOSTS"):
            RemoteStream(remote_settings(url.replace("127.0.0.1", "127.0.0.2")))


def test_docs_example_runs(url, portrait, capsys):
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    exec(block.replace("ws://localhost:8000", url.replace("http", "ws")), {"frames": [portrait, portrait]})
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["0 [(7,", "1 [(7,"]


def test_panel_shows_where_frames_are_processed(url, monkeypatch, portrait):
    monkeypatch.setenv("FER_REMOTE_URL", url)
    session = Session()
    panel = Panel(session)
    assert session.wait_until_loaded(60)
    _, notice, notes = panel.children
    assert REMOTE_PRIVACY in notes.value
    monkeypatch.setattr(panel.view, "send", lambda *_: None)
    panel.view._handle_custom_msg({"type": "frame", "id": 1, "time_s": 0.5}, [memoryview(portrait)])
    assert REMOTE_NOTICE in notice.value
    assert len(session.faces) == 2
