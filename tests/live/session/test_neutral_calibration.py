import json

import numpy as np
import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.labels import label_index
from fer_lib.live.session.neutral_calibration import (
    DONE,
    NO_FACE,
    NOT_NEEDED,
    SEVERAL_FACES,
    STOPPED,
    TOO_FEW_FRAMES,
    NeutralCalibration,
)
from fer_lib.neutral_offset import estimate_offset

SAD = np.array([0.05, 0.05, 0.05, 0.05, 0.3, 0.45, 0.05], np.float32)
NEUTRAL = np.array([0.02, 0.02, 0.02, 0.02, 0.88, 0.02, 0.02], np.float32)


@pytest.fixture
def calibration() -> NeutralCalibration:
    calibration = NeutralCalibration(duration_s=5)
    calibration.start()
    return calibration


def make_frame(count: int = 1, row: np.ndarray = SAD, track_id: int = 7) -> Faces:
    return make_faces(count, probabilities=np.tile(row, (count, 1)), track_id=np.arange(track_id, track_id + count))


def add_frames(calibration: NeutralCalibration, *frames: Faces) -> dict[str, object]:
    """Add these frames over five seconds; return the last state."""
    for time_s, faces in zip(np.linspace(100, 105, len(frames)), frames, strict=True):
        state = calibration.add(time_s, faces)
    assert not calibration.is_running
    json.dumps(state)
    return state


def test_add_not_running():
    assert NeutralCalibration(5).add(0.0, make_frame()) is None


def test_add_estimates_the_offset(calibration):
    state = add_frames(calibration, *[make_frame()] * 20)
    assert (state["on"], state["running"], state["detail"]) == (True, False, DONE)
    np.testing.assert_array_equal(calibration.offset, estimate_offset(SAD[None]))


def test_add_returns_seconds_left(calibration):
    state = [calibration.add(time_s, make_frame()) for time_s in (100, 101.5, 104)]
    assert [one["left_s"] for one in state] == [5, 3.5, 1]
    assert all(one["running"] and not one["detail"] for one in state)


def test_add_uses_raw_probabilities(calibration):
    faces = make_frame(row=NEUTRAL).with_columns(raw_probabilities=SAD[None])
    add_frames(calibration, *[faces] * 20)
    assert calibration.offset[label_index("sad")] < -1


def test_add_neutral_face_needs_no_offset(calibration):
    state = add_frames(calibration, *[make_frame(row=NEUTRAL)] * 20)
    assert (state["on"], state["detail"]) == (False, NOT_NEEDED)
    assert calibration.offset is None


@pytest.mark.parametrize(
    ("frames", "detail"),
    [
        ([Faces.empty()] * 20, NO_FACE),
        ([make_frame()] * 15 + [Faces.empty()] * 5, NO_FACE),
        ([make_frame(2)] * 20, SEVERAL_FACES),
        ([make_frame()] * 14 + [make_frame(2)] * 6, SEVERAL_FACES),
        ([make_frame(track_id=7)] * 10 + [make_frame(track_id=8)] * 10, NO_FACE),
        ([make_frame()] * 2, TOO_FEW_FRAMES),
    ],
    ids=["no-face", "long-gap", "two-faces", "second-face", "face-changed", "two-frames"],
)
def test_add_invalid_frames(calibration, frames, detail):
    state = add_frames(calibration, *frames)
    assert (state["on"], state["detail"]) == (False, detail)
    assert calibration.offset is None


def test_add_tolerates_short_gaps(calibration):
    assert add_frames(calibration, *[make_frame()] * 18, Faces.empty(), make_frame(2))["on"]


def test_add_failure_keeps_the_offset(calibration):
    add_frames(calibration, *[make_frame()] * 20)
    before = calibration.offset
    calibration.start()
    assert calibration.describe()["on"]
    assert add_frames(calibration, *[make_frame(2)] * 20)["on"]
    assert calibration.offset is before


def test_start_drops_collected_frames(calibration):
    calibration.add(100, make_frame(2))
    calibration.start()
    assert calibration.add(100, make_frame())["left_s"] == 5
    assert add_frames(calibration, *[make_frame()] * 5)["on"]


def test_cancel(calibration):
    calibration.add(100, make_frame())
    assert calibration.cancel(STOPPED)["detail"] == STOPPED
    assert calibration.cancel(STOPPED) is None
    assert calibration.add(105, make_frame()) is None


def test_clear(calibration):
    add_frames(calibration, *[make_frame()] * 20)
    calibration.start()
    calibration.clear()
    assert calibration.describe() == {"type": "calibration", "running": False, "on": False, "left_s": 0, "detail": ""}
