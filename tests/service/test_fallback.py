"""Fallback to the local networks while the service is unreachable or full, and the return to the service."""

import threading
import time

import httpx
import pytest

from fer_lib.live.session.fallback import REMOTE_NOTICE, FallbackPipeline
from fer_lib.live.session.remote import RemoteStream, ServiceFullError
from fer_lib.settings import VisionSettings
from harness.servers import find_port, serve_service
from tests.service.conftest import served
from tests.service.remote_pages import (
    FULL,
    GONE,
    FakeLocal,
    open_pipeline,
    process_until_at_service,
    record_loads,
    remote_settings,
    track_ids,
)


def test_fallback_service_killed_and_restarted(portrait):
    """The service is a process, ended by SIGKILL."""
    with serve_service() as (url, process):
        pipeline = open_pipeline(url, retry_s=0.1)
        before = [pipeline.process_jpeg(portrait, n / 30) for n in range(3)]
        assert (pipeline.notice, len({tuple(track_ids(faces)) for faces in before})) == (REMOTE_NOTICE, 1)
        process.kill()
        process.wait()
        local = [pipeline.process_jpeg(portrait, 1 + n / 30) for n in range(3)]
        assert pipeline.notice == GONE
        assert pipeline.timings_ms == {"detect": 1.0, "total": 1.5}
        assert len({tuple(track_ids(faces)) for faces in local}) == 1
        with serve_service(port=int(url.rstrip("/").rpartition(":")[2])):
            back = process_until_at_service(pipeline, portrait, 2.0)
    used = [set(track_ids(faces)) for faces in (before[0], local[0], back)]
    assert len(set.union(*used)) == sum(map(len, used)) == 3


def test_fallback_service_unreachable(portrait):
    pipeline = open_pipeline(f"http://127.0.0.1:{find_port()}")
    assert pipeline.notice == GONE
    assert track_ids(pipeline.process_jpeg(portrait, 0.0)) == [1]


def test_fallback_service_timeout(url, engine, portrait):
    engine.gate.clear()
    pipeline = open_pipeline(url, timeout_s=0.2, retry_s=3600)
    assert track_ids(pipeline.process_jpeg(portrait, 0.0)) == [1]
    assert pipeline.notice == GONE


def test_fallback_max_streams(engine, portrait):
    with served(engine, max_streams=1) as url:
        first = RemoteStream(remote_settings(url))
        first.process_jpeg(portrait)
        with pytest.raises(ServiceFullError):
            RemoteStream(remote_settings(url))
        assert open_pipeline(url).notice == FULL
        first.close()


def test_fallback_overload(engine, portrait):
    with served(engine, threads=1, max_waiting=0) as url:
        first, second = open_pipeline(url), open_pipeline(url, retry_s=3600)
        engine.gate.clear()
        waiting = threading.Thread(target=first.process_jpeg, args=(portrait, 0.0))
        waiting.start()
        assert engine.started.acquire(timeout=20)
        assert track_ids(second.process_jpeg(portrait, 0.0)) == [1]
        assert second.notice == FULL
        engine.gate.set()
        waiting.join()
        assert first.notice == REMOTE_NOTICE


def test_reconnect_after_the_service_restarted(engine, portrait):
    port = find_port()
    with served(engine, port) as url:
        pipeline = open_pipeline(url)
        assert track_ids(pipeline.process_jpeg(portrait, 0.0)) == [7, 3]
    with served(engine, port):
        assert track_ids(pipeline.process_jpeg(portrait, 0.1)) == [15, 11]
    assert pipeline.notice == REMOTE_NOTICE


def test_reconnect_after_idle_timeout(engine, portrait):
    """As after a visitor paused the camera."""
    with served(engine, stream_idle_s=0.1) as url:
        pipeline = open_pipeline(url)
        for time_s, expected in ((0.0, [7, 3]), (1.0, [15, 11])):
            end_s = time.monotonic() + 20
            while httpx.get(f"{url}/health").json()["streams"]:
                assert time.monotonic() < end_s
            assert track_ids(pipeline.process_jpeg(portrait, time_s)) == expected
            assert pipeline.notice == REMOTE_NOTICE


def test_fallback_keeps_settings(portrait):
    made: list[FakeLocal] = []
    pipeline = FallbackPipeline(
        VisionSettings(), remote_settings(f"http://127.0.0.1:{find_port()}"), record_loads(made)
    )
    pipeline.adjust(2.0)
    pipeline.reset()
    pipeline.process_jpeg(portrait, 0.0)
    assert (made[0].smoothings, made[0].resets) == ([VisionSettings().smoothing_s, 2.0], 1)


def test_fallback_without_service_and_weights(portrait):
    def load(vision):
        raise FileNotFoundError("the weights `emotion` must be there, but there is no such file")

    with pytest.raises(RuntimeError, match="inference service is unreachable, and the weights `emotion`"):
        FallbackPipeline(VisionSettings(), remote_settings(f"http://127.0.0.1:{find_port()}"), load)
