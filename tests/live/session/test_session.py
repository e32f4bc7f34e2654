import threading

import numpy as np
import pytest
from factories import make_faces
from fakes import FakePipeline

from fer_lib.faces import Faces
from fer_lib.live.session.frame_handler import MAX_FAILURES
from fer_lib.live.session.messages import PAGE_MESSAGES
from fer_lib.live.session.neutral_calibration import STOPPED
from fer_lib.live.session.session import Session
from fer_lib.settings import LiveSettings

HAPPY = np.eye(7, dtype=np.float32)[[3]] * 0.65 + 0.05


@pytest.fixture
def pipeline() -> FakePipeline:
    return FakePipeline(make_faces(1, probabilities=HAPPY))


@pytest.fixture
def session(pipeline: FakePipeline) -> Session:
    session = Session(load=lambda settings: pipeline)
    assert session.wait_until_loaded(10)
    return session


def frame(number: int = 1, time_s: float = 0.0) -> dict[str, object]:
    return {"type": "frame", "id": number, "time_s": time_s}


def test_handle_frame(session):
    reply = session.handle_message(frame(7), [memoryview(b"FACE")])
    assert reply["type"] == "faces"
    assert reply["id"] == 7
    assert reply["ms"] == {"decode": 0.81, "total": 4.57}
    assert reply["faces"][0]["label"] == "happy"
    assert session.frames == 1
    assert len(session.faces) == 1


def test_handle_frame_time_never_decreases(session, pipeline):
    for number, time_s in enumerate((1.0, 2.0, 1.5)):
        session.handle_message(frame(number, time_s), [b"FACE"])
    assert pipeline.times == [1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "buffers",
    [[], [b""], [b"FACE", b"FACE"], [b"no image"], [b"x" * 2_000_001], ["text"], [None]],
    ids=["none", "empty", "two", "undecodable", "too-large", "text", "null"],
)
def test_handle_frame_invalid_buffer(pipeline, buffers):
    session = Session(live=LiveSettings.load(max_frame_mb=2), load=lambda settings: pipeline)
    session.wait_until_loaded(10)
    assert session.handle_message(frame(3), buffers) == {"type": "skipped", "id": 3}
    assert session.errors == 1
    assert session.handle_message(frame(4), [b"FACE"])["type"] == "faces"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "frame",
        [],
        {},
        {"type": "unknown"},
        {"type": "frame"},
        {"type": "frame", "id": "1", "time_s": 0},
        {"type": "frame", "id": True, "time_s": 0},
        {"type": "frame", "id": 1, "time_s": float("nan")},
        {"type": "frame", "id": 1, "time_s": None},
        {"type": "state", "state": "unknown"},
        {"type": "state", "state": ["running"]},
        {"type": "stats", "results_per_s": "30", "round_trip_ms": 1, "frame_to_overlay_ms": 1},
        {"type": "stats"},
    ],
    ids=str,
)
def test_handle_invalid_message(session, content):
    assert session.handle_message(content, [b"FACE"]) is None
    assert session.errors == 1
    assert session.state == "ready"


def test_kinds_match_page_messages(session):
    assert set(session.kinds) == set(PAGE_MESSAGES)


def test_handle_frame_stale(session, pipeline):
    session.handle_message(frame(1, 100.0), [b"FACE"])
    assert session.handle_message(frame(2, 50.0), [b"FACE"]) == {"type": "skipped", "id": 2}
    assert len(pipeline.times) == 1


def test_handle_frame_while_loading(pipeline):
    is_released = threading.Event()

    def load(settings):
        is_released.wait(10)
        return pipeline

    session = Session(load=load)
    assert session.handle_message(frame(1), [b"FACE"]) == {"type": "loading", "id": 1}
    is_released.set()
    assert session.wait_until_loaded(10)
    assert session.handle_message(frame(2), [b"FACE"])["type"] == "faces"


def test_handle_frame_without_weights():
    def load(settings):
        raise FileNotFoundError("the weights `emotion` must be at weights/emotion.onnx, but there is no such file")

    session = Session(load=load)
    assert not session.wait_until_loaded(10)
    reply = session.handle_message(frame(1), [b"FACE"])
    assert reply["type"] == "broken"
    assert "weights/emotion.onnx" in reply["detail"]


def test_handle_frame_repeated_failures(session):
    kinds = [session.handle_message(frame(i, i / 30), [b"noise"])["type"] for i in range(MAX_FAILURES)]
    assert kinds == ["skipped"] * (MAX_FAILURES - 1) + ["broken"]


def test_handle_state(session):
    assert session.handle_message({"type": "state", "state": "refused", "detail": "Permission denied."}) is None
    assert (session.state, session.detail) == ("refused", "Permission denied.")


def test_handle_state_waiting_resets_the_stream(session, pipeline):
    session.handle_message(frame(1, 100.0), [b"FACE"])
    session.handle_message({"type": "state", "state": "waiting"})
    assert pipeline.resets == 1
    assert session.frames == 0
    assert len(session.faces) == 0
    # The new stream starts its own clock, so that an earlier time is not stale.
    assert session.handle_message(frame(2, 1.0), [b"FACE"])["type"] == "faces"


def test_handle_stats(session):
    session.handle_message({"type": "stats", "results_per_s": 29.5, "round_trip_ms": 5, "frame_to_overlay_ms": 20.5})
    assert (session.results_per_s, session.round_trip_ms, session.frame_to_overlay_ms) == (29.5, 5.0, 20.5)


def test_prepare_loads_once():
    loads = []
    session = Session(load=lambda settings: loads.append(settings) or FakePipeline(Faces.empty()))
    for _ in range(3):
        session.prepare()
    session.wait_until_loaded(10)
    assert len(loads) == 1


def test_handle_invalid_command(session):
    reply = session.handle_message({"type": "adjust", "smoothing_s": "high"})
    assert reply == {"type": "refused", "detail": "`smoothing_s` must be a number of seconds, but got 'high'"}
    assert session.errors == 1


def test_handle_adjust_is_applied_once(session, pipeline):
    session.handle_message({"type": "adjust", "smoothing_s": 0.5})
    session.handle_message({"type": "adjust", "smoothing_s": 1.5})
    for number in range(3):
        session.handle_message(frame(number, number / 30), [b"FACE"])
    assert pipeline.smoothings == [1.5]


def test_handle_record(session):
    session.handle_message({"type": "record", "on": True})
    for number in range(3):
        session.handle_message(frame(number, 5 + number / 10), [b"FACE"])
    reply = session.handle_message({"type": "record", "on": False})
    assert (reply["rows"], reply["total"]["happy"]) == (3, 1.0)
    assert [line.split(",")[0] for line in session.recording.read("csv").splitlines()] == [
        "time_s",
        "0.0",
        "0.1",
        "0.2",
    ]


def test_handle_frame_reports_a_full_recording(pipeline):
    session = Session(live=LiveSettings.load(max_recording_rows=2), load=lambda settings: pipeline)
    session.wait_until_loaded(10)
    session.handle_message({"type": "record", "on": True})
    replies = [session.handle_message(frame(number, number / 30), [b"FACE"]) for number in range(4)]
    assert ["recording" in reply for reply in replies] == [False, False, True, False]
    assert replies[2]["recording"]["full"]


@pytest.mark.parametrize("state", ["stopped", "waiting", "broken", "kernel-ended"])
def test_handle_state_off_stops_the_recording(session, state):
    session.handle_message({"type": "record", "on": True})
    assert session.handle_message({"type": "state", "state": "paused"}) is None
    reply = session.handle_message({"type": "state", "state": state})
    assert (reply["type"], reply["recording"]["on"]) == ("update", False)
    assert session.handle_message({"type": "state", "state": state}) is None


def calibrate(session: Session, seconds: float = 5.0) -> list[dict[str, object]]:
    session.handle_message({"type": "calibrate", "on": True})
    times = np.arange(0, seconds + 0.1, 0.5)
    return [session.handle_message(frame(number, 10 + time_s), [b"FACE"]) for number, time_s in enumerate(times)]


def test_handle_calibrate_applies_and_clears_the_offset(session, pipeline):
    replies = calibrate(session)
    assert [reply["calibration"]["running"] for reply in replies] == [True] * 10 + [False]
    assert replies[-1]["calibration"]["on"]
    assert pipeline.offsets == []
    replies = [session.handle_message(frame(50 + number, 20 + number / 30), [b"FACE"]) for number in range(3)]
    assert not any("calibration" in reply for reply in replies)
    (offset,) = pipeline.offsets
    assert offset[3] == -2
    assert not session.handle_message({"type": "calibrate", "on": False})["on"]
    session.handle_message(frame(60, 30), [b"FACE"])
    assert pipeline.offsets == [offset, None]


def test_calibration_is_off_by_default(session, pipeline):
    reply = session.handle_message(frame(1), [b"FACE"])
    assert "calibration" not in reply
    assert pipeline.offsets == []


def test_handle_state_stopped_cancels_the_calibration(session, pipeline):
    calibrate(session, seconds=2)
    reply = session.handle_message({"type": "state", "state": "stopped"})
    assert reply["calibration"]["detail"] == STOPPED
    assert "recording" not in reply
    session.handle_message({"type": "state", "state": "waiting"})
    assert "calibration" not in session.handle_message(frame(90, 90), [b"FACE"])
    assert pipeline.offsets == []


def test_handle_calibrate_canceled_keeps_the_former_offset(session, pipeline):
    calibrate(session)
    session.handle_message(frame(40, 20), [b"FACE"])
    assert session.handle_message({"type": "calibrate", "on": True})["running"]
    reply = session.handle_message({"type": "calibrate", "on": False})
    assert (reply["running"], reply["on"]) == (False, True)
    session.handle_message(frame(41, 21), [b"FACE"])
    assert len(pipeline.offsets) == 1


@pytest.mark.parametrize("on", [None, 1, "yes"])
def test_handle_calibrate_invalid_field(session, on):
    assert session.handle_message({"type": "calibrate", "on": on})["type"] == "refused"
