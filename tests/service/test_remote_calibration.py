"""Neutral calibration with remote inference: the kernel adds the offset to the service's results."""

import numpy as np
import pytest

from fer_lib.live.session.fallback import REMOTE_NOTICE, FallbackPipeline
from fer_lib.live.session.neutral_calibration import DONE
from fer_lib.live.session.session import Session
from fer_lib.neutral_offset import add_offset
from fer_lib.settings import LiveSettings, VisionSettings
from fer_lib.vision.pipeline import load_pipeline
from harness.servers import find_port
from tests.service.conftest import served
from tests.service.remote_pages import (
    GONE,
    OFFSET,
    FakeLocal,
    open_pipeline,
    process_until_at_service,
    record_loads,
    remote_settings,
)


def test_calibrate_matches_local_pipeline(real_engine, portrait):
    vision = VisionSettings(smoothing_s=0.5)
    happy = []
    with served(real_engine) as url:
        remote, local = FallbackPipeline(vision, remote_settings(url), load_pipeline), load_pipeline(vision)
        for number, offset in enumerate([None] * 3 + [OFFSET] * 6 + [None] * 6):
            for pipeline in (remote, local):
                pipeline.calibrate(offset)
            remotely, locally = (pipeline.process_jpeg(portrait, number / 10) for pipeline in (remote, local))
            np.testing.assert_allclose(remotely.probabilities, locally.probabilities, atol=0.01)
            np.testing.assert_allclose(remotely.raw_probabilities, locally.raw_probabilities, atol=0.01)
            happy.append(remotely.probabilities[0, 3])
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
    made: list[FakeLocal] = []
    port = find_port()
    engine.raw = np.full((2, 7), 1 / 7)
    with served(engine, port) as url:
        pipeline = FallbackPipeline(VisionSettings(), remote_settings(url, retry_s=0.1), record_loads(made))
        pipeline.calibrate(OFFSET)
        before = pipeline.process_jpeg(portrait, 0.0).probabilities
        assert before[0, 3] < 1 / 7
    pipeline.process_jpeg(portrait, 1.0)
    assert (pipeline.notice, made[0].offsets) == (GONE, [OFFSET.tolist()])
    other_offset = OFFSET / 2
    pipeline.calibrate(other_offset)
    assert made[0].offsets == [OFFSET.tolist(), other_offset.tolist()]
    with served(engine, port):
        faces = process_until_at_service(pipeline, portrait, 2.0)
        np.testing.assert_allclose(faces.probabilities, add_offset(engine.raw, other_offset), atol=1e-5)


def odds(probability: float) -> float:
    return probability / (1 - probability)


def test_session_neutral_calibration_at_service(real_engine, monkeypatch, portrait):
    with served(real_engine) as url:
        monkeypatch.setenv("FER_REMOTE_URL", url)
        session = Session(live=LiveSettings(calibration_s=1))
        assert session.wait_until_loaded(60)

        def process(time_s):
            return session.handle_message({"type": "frame", "id": 1, "time_s": time_s}, [portrait])

        before = process(0.0)["faces"][0]["probabilities"]
        session.handle_message({"type": "calibrate", "on": True})
        states = [process(0.5 + number / 5)["calibration"] for number in range(6)]
        assert [one["running"] for one in states] == [True] * 5 + [False]
        assert (states[-1]["on"], states[-1]["detail"]) == (True, DONE)
        after = process(60.0)["faces"][0]["probabilities"]
        assert session.notice == REMOTE_NOTICE
        label = before.index(max(before))
        assert odds(after[label]) < odds(before[label]) / 3
