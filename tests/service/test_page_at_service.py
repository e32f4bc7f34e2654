"""Remote inference of the live page: frames and settings go to the service, with the kernel as fallback."""

import re
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from factories import compose_frame

from fer_lib.faces import Faces
from fer_lib.live.page.panel import REMOTE_PRIVACY, Panel
from fer_lib.live.session.fallback import LOCAL_NOTICE, REMOTE_NOTICE, FallbackPipeline
from fer_lib.live.session.neutral_calibration import DONE
from fer_lib.live.session.remote import RemoteStream, ServiceFullError, ServiceUnavailableError, stream_address
from fer_lib.live.session.session import Session
from fer_lib.neutral_offset import add_offset
from fer_lib.settings import LiveSettings, RemoteSettings, VisionSettings
from fer_lib.vision.pipeline import load_pipeline
from harness.servers import find_port, serve_service
from tests.service.conftest import ROOT, encode, served

OFFSET = np.array([0, 0, 0, -2, 0, 0, 0], np.float32)  # lowers "happy"
GONE, FULL = LOCAL_NOTICE.format(state="unreachable"), LOCAL_NOTICE.format(state="full")


class FakeLocal:
    """The kernel's local pipeline: one face with `track_id` 1."""

    def __init__(self, vision: VisionSettings) -> None:
        self.timings_ms = {"detect": 1.0, "total": 1.5}
        self.smoothings = [vision.smoothing_s]
        self.offsets: list[object] = []
        self.resets = 0

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        return Faces(
            xyxy=[[1, 2, 30, 40]], confidence=[0.9], probabilities=np.full((1, 7), 1 / 7), track_id=np.array([1])
        )

    def adjust(self, smoothing_s: float) -> None:
        self.smoothings.append(smoothing_s)

    def calibrate(self, offset: np.ndarray | None) -> None:
        self.offsets.append(None if offset is None else offset.tolist())

    def reset(self) -> None:
        self.resets += 1


@pytest.fixture
def url(engine) -> Iterator[str]:
    with served(engine) as url:
        yield url
        engine.gate.set()


def page(url: str, **settings: object) -> RemoteSettings:
    return RemoteSettings(url=url, **settings)


def open_pipeline(url: str, **settings: object) -> FallbackPipeline:
    return FallbackPipeline(VisionSettings(smoothing_s=0.3), page(url, **settings), FakeLocal)


def numbers(faces: Faces) -> list[int]:
    return faces.track_id.tolist()


def wait_until_back(pipeline: FallbackPipeline) -> None:
    assert pipeline._is_reachable.wait(60)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:8000", "ws://localhost:8000/stream"),
        ("https://faces.example.org/api/", "wss://faces.example.org/api/stream"),
        ("ws://localhost:8000", "ws://localhost:8000/stream"),
    ],
)
def test_stream_address(url, address):
    assert stream_address(page(url)) == address


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://a b"])
def test_service_url_invalid(url):
    with pytest.raises(ValueError, match="`FER_REMOTE_URL` must be"):
        RemoteSettings.load(url=url)


def test_process_jpeg_matches_local_pipeline(real_engine):
    frames = [encode(compose_frame([(200 + 4 * number, 240, 200), (480, 250, 130)])[0]) for number in range(4)]
    local = load_pipeline()
    with served(real_engine) as url:
        remote = FallbackPipeline(VisionSettings(), page(url), load_pipeline)
        pairs = [(remote.process_jpeg(data, n / 30), local.process_jpeg(data, n / 30)) for n, data in enumerate(frames)]
    first = pairs[0]
    np.testing.assert_allclose(first[0].xyxy, first[1].xyxy, atol=0.02)
    np.testing.assert_allclose(first[0].landmarks, first[1].landmarks, atol=0.02)
    np.testing.assert_allclose(first[0].probabilities, first[1].probabilities, atol=1e-4)
    np.testing.assert_allclose(first[0].raw_probabilities, first[1].raw_probabilities, atol=1e-4)
    assert [len(numbers(one)) for one, _ in pairs] == [2] * 4
    assert len({tuple(numbers(one)) for one, _ in pairs}) == 1
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
    seen = engine.analyze(np.zeros((480, 640, 3), np.uint8)).probabilities
    np.testing.assert_allclose(open_pipeline(url).process_jpeg(portrait, 0.0).probabilities, seen, atol=1e-5)


def test_calibrate_matches_local_pipeline(real_engine, portrait):
    vision = VisionSettings(smoothing_s=0.5)
    happy = []
    with served(real_engine) as url:
        remote, local = FallbackPipeline(vision, page(url), load_pipeline), load_pipeline(vision)
        for number, offset in enumerate([None] * 3 + [OFFSET] * 6 + [None] * 6):
            for pipeline in (remote, local):
                pipeline.calibrate(offset)
            there, here = (pipeline.process_jpeg(portrait, number / 10) for pipeline in (remote, local))
            np.testing.assert_allclose(there.probabilities, here.probabilities, atol=0.01)
            np.testing.assert_allclose(there.raw_probabilities, here.raw_probabilities, atol=0.01)
            happy.append(there.probabilities[0, 3])
    assert happy[0] > happy[3] > happy[8] < happy[9] < happy[14]  # smoothed in both directions


def test_calibrate_none_removes_the_offset(url, engine, portrait):
    engine.raw = np.full((2, 7), 1 / 7)
    pipeline = open_pipeline(url)
    pipeline.adjust(0)
    pipeline.calibrate(OFFSET)
    faces = pipeline.process_jpeg(portrait, 0.0)
    np.testing.assert_allclose(faces.probabilities, add_offset(engine.raw, OFFSET), atol=1e-5)
    np.testing.assert_allclose(faces.raw_probabilities, engine.raw, atol=1e-5)
    pipeline.reset()
    np.testing.assert_allclose(pipeline.process_jpeg(portrait, 0.0).probabilities, faces.probabilities)
    pipeline.calibrate(None)
    np.testing.assert_allclose(pipeline.process_jpeg(portrait, 0.1).probabilities, engine.raw, atol=1e-5)


def test_calibrate_invalid_offset(url, portrait):
    pipeline = open_pipeline(url)
    before = pipeline.process_jpeg(portrait, 0.0).probabilities
    with pytest.raises(ValueError, match="`offset` must"):
        pipeline.calibrate(np.zeros(6, np.float32))
    np.testing.assert_allclose(pipeline.process_jpeg(portrait, 0.1).probabilities, before, atol=1e-5)


def test_calibrate_offset_survives_fallback_and_return(engine, portrait):
    made = []

    def load(vision):
        made.append(FakeLocal(vision))
        return made[-1]

    port = find_port()
    engine.raw = np.full((2, 7), 1 / 7)
    with served(engine, port) as url:
        pipeline = FallbackPipeline(VisionSettings(), page(url, retry_s=0.1), load)
        pipeline.calibrate(OFFSET)
        before = pipeline.process_jpeg(portrait, 0.0).probabilities
        assert before[0, 3] < 1 / 7
    pipeline.process_jpeg(portrait, 1.0)
    assert (pipeline.notice, made[0].offsets) == (GONE, [OFFSET.tolist()])
    other_offset = OFFSET / 2
    pipeline.calibrate(other_offset)
    assert made[0].offsets == [OFFSET.tolist(), other_offset.tolist()]
    with served(engine, port):
        wait_until_back(pipeline)
        np.testing.assert_allclose(
            pipeline.process_jpeg(portrait, 2.0).probabilities, add_offset(engine.raw, other_offset), atol=1e-5
        )


def odds(probability: float) -> float:
    return probability / (1 - probability)


def test_session_neutral_calibration_at_service(real_engine, monkeypatch, portrait):
    with served(real_engine) as url:
        monkeypatch.setenv("FER_REMOTE_URL", url)
        session = Session(live=LiveSettings(calibration_s=1))
        assert session.wait_until_loaded(60)

        def show(time_s):
            return session.handle_message({"type": "frame", "id": 1, "time_s": time_s}, [portrait])

        before = show(0.0)["faces"][0]["probabilities"]
        session.handle_message({"type": "calibrate", "on": True})
        told = [show(0.5 + number / 5)["calibration"] for number in range(6)]
        assert [one["running"] for one in told] == [True] * 5 + [False]
        assert (told[-1]["on"], told[-1]["detail"]) == (True, DONE)
        after = show(60.0)["faces"][0]["probabilities"]
        assert session.notice == REMOTE_NOTICE
        label = before.index(max(before))
        assert odds(after[label]) < odds(before[label]) / 3


def test_process_jpeg_invalid_frame(url, portrait):
    pipeline = open_pipeline(url)
    with pytest.raises(ValueError, match="`file` must be"):
        pipeline.process_jpeg(b"no image", 0.0)
    assert numbers(pipeline.process_jpeg(portrait, 0.1)) == [7, 3]


def test_fallback_service_killed_and_restarted(portrait):
    """The service is a process, ended by SIGKILL."""
    with serve_service() as (url, process):
        pipeline = open_pipeline(url, retry_s=0.1)
        seen = [pipeline.process_jpeg(portrait, n / 30) for n in range(3)]
        assert (pipeline.notice, len({tuple(numbers(faces)) for faces in seen})) == (REMOTE_NOTICE, 1)
        process.kill()
        process.wait()
        alone = [pipeline.process_jpeg(portrait, 1 + n / 30) for n in range(3)]
        assert pipeline.notice == GONE
        assert pipeline.timings_ms == {"detect": 1.0, "total": 1.5}
        assert len({tuple(numbers(faces)) for faces in alone}) == 1
        with serve_service(port=int(url.rstrip("/").rpartition(":")[2])):
            wait_until_back(pipeline)
            back = pipeline.process_jpeg(portrait, 2.0)
            assert pipeline.notice == REMOTE_NOTICE
    used = [set(numbers(faces)) for faces in (seen[0], alone[0], back)]
    assert len(set.union(*used)) == sum(map(len, used)) == 3


def test_fallback_service_unreachable(portrait):
    pipeline = open_pipeline(f"http://127.0.0.1:{find_port()}")
    assert pipeline.notice == GONE
    assert numbers(pipeline.process_jpeg(portrait, 0.0)) == [1]


def test_fallback_service_timeout(url, engine, portrait):
    engine.gate.clear()
    pipeline = open_pipeline(url, timeout_s=0.2, retry_s=3600)
    assert numbers(pipeline.process_jpeg(portrait, 0.0)) == [1]
    assert pipeline.notice == GONE


def test_fallback_max_streams(engine, portrait):
    with served(engine, max_streams=1) as url:
        first = RemoteStream(page(url))
        first.process_jpeg(portrait)
        with pytest.raises(ServiceFullError):
            RemoteStream(page(url))
        assert open_pipeline(url).notice == FULL
        first.close()


def test_fallback_overload(engine, portrait):
    with served(engine, threads=1, max_waiting=0) as url:
        first, second = open_pipeline(url), open_pipeline(url, retry_s=3600)
        engine.gate.clear()
        waiting = threading.Thread(target=first.process_jpeg, args=(portrait, 0.0))
        waiting.start()
        assert engine.started.acquire(timeout=20)
        assert numbers(second.process_jpeg(portrait, 0.0)) == [1]
        assert second.notice == FULL
        engine.gate.set()
        waiting.join()
        assert first.notice == REMOTE_NOTICE


def test_reconnect_after_the_service_restarted(engine, portrait):
    port = find_port()
    with served(engine, port) as url:
        pipeline = open_pipeline(url)
        assert numbers(pipeline.process_jpeg(portrait, 0.0)) == [7, 3]
    with served(engine, port):
        assert numbers(pipeline.process_jpeg(portrait, 0.1)) == [15, 11]
    assert pipeline.notice == REMOTE_NOTICE


def test_reconnect_after_idle_timeout(engine, portrait):
    """As after a visitor paused the camera."""
    with served(engine, stream_idle_s=0.1) as url:
        pipeline = open_pipeline(url)
        for time_s, expected in ((0.0, [7, 3]), (1.0, [15, 11])):
            end_s = time.monotonic() + 20
            while httpx.get(f"{url}/health").json()["streams"]:
                assert time.monotonic() < end_s
            assert numbers(pipeline.process_jpeg(portrait, time_s)) == expected
            assert pipeline.notice == REMOTE_NOTICE


def test_remote_stream_not_a_websocket(engine):
    with served(engine) as url, pytest.raises(ServiceUnavailableError):
        RemoteStream(page(f"{url}/health"))


def test_remote_stream_host_not_allowed(engine):
    with served(engine, host="0.0.0.0", allowed_hosts="faces.example.org") as url:
        RemoteStream(page(url)).close()
        with pytest.raises(ServiceUnavailableError, match=r"status 403 .*FER_SERVICE_ALLOWED_HOSTS"):
            RemoteStream(page(url.replace("127.0.0.1", "127.0.0.2")))


def test_fallback_keeps_settings(portrait):
    made = []

    def load(vision):
        made.append(FakeLocal(vision))
        return made[-1]

    pipeline = FallbackPipeline(VisionSettings(), page(f"http://127.0.0.1:{find_port()}"), load)
    pipeline.adjust(2.0)
    pipeline.reset()
    pipeline.process_jpeg(portrait, 0.0)
    assert (made[0].smoothings, made[0].resets) == ([VisionSettings().smoothing_s, 2.0], 1)


def test_fallback_without_service_and_weights(portrait):
    def load(vision):
        raise FileNotFoundError("the weights `emotion` must be there, but there is no such file")

    with pytest.raises(RuntimeError, match="inference service is unreachable, and the weights `emotion`"):
        FallbackPipeline(VisionSettings(), page(f"http://127.0.0.1:{find_port()}"), load)


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
