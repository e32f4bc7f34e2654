import json

import numpy as np
import pytest
from factories import make_faces

from fer_lib.neutral_offset import estimate_offset
from fer_lib.faces import Faces
from fer_lib.labels import label_index
from fer_lib.live.neutral_calibration import DONE, NOBODY, NOTHING, SEVERAL, STOPPED, TOO_FEW, Calibration

SAD = np.array([0.05, 0.05, 0.05, 0.05, 0.3, 0.45, 0.05], np.float32)
NEUTRAL = np.array([0.02, 0.02, 0.02, 0.02, 0.88, 0.02, 0.02], np.float32)


@pytest.fixture
def calibration() -> Calibration:
    calibration = Calibration(duration_s=5)
    calibration.start()
    return calibration


def show(count: int = 1, row: np.ndarray = SAD, track: int = 7) -> Faces:
    return make_faces(count, probabilities=np.tile(row, (count, 1)), track_id=np.arange(track, track + count))


def watch(calibration: Calibration, *frames: Faces) -> dict[str, object]:
    """Show these frames over five seconds; return what is told at the end."""
    for time_s, faces in zip(np.linspace(100, 105, len(frames)), frames, strict=True):
        told = calibration.add(time_s, faces)
    assert not calibration.is_running
    json.dumps(told)
    return told


def test_add_when_it_is_off():
    assert Calibration(5).add(0.0, show()) is None


def test_add_finds_the_offset_of_a_face_at_rest(calibration):
    told = watch(calibration, *[show()] * 20)
    assert (told["on"], told["running"], told["detail"]) == (True, False, DONE)
    np.testing.assert_array_equal(calibration.offset, estimate_offset(SAD[None]))


def test_add_tells_the_seconds_that_are_left(calibration):
    told = [calibration.add(time_s, show()) for time_s in (100, 101.5, 104)]
    assert [one["left_s"] for one in told] == [5, 3.5, 1]
    assert all(one["running"] and not one["detail"] for one in told)


def test_add_looks_at_what_the_network_said(calibration):
    faces = show(row=NEUTRAL).with_columns(raw_probabilities=SAD[None])
    watch(calibration, *[faces] * 20)
    assert calibration.offset[label_index("sad")] < -1


def test_a_face_that_looks_neutral_needs_no_baseline(calibration):
    told = watch(calibration, *[show(row=NEUTRAL)] * 20)
    assert (told["on"], told["detail"]) == (False, NOTHING)
    assert calibration.offset is None


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([Faces.empty()] * 20, NOBODY),
        ([show()] * 15 + [Faces.empty()] * 5, NOBODY),
        ([show(2)] * 20, SEVERAL),
        ([show()] * 14 + [show(2)] * 6, SEVERAL),
        ([show(track=7)] * 10 + [show(track=8)] * 10, NOBODY),
        ([show()] * 2, TOO_FEW),
    ],
    ids=["nobody", "away-too-long", "two", "visited", "another-face", "two-frames"],
)
def test_why_there_is_no_baseline(calibration, frames, sentence):
    told = watch(calibration, *frames)
    assert (told["on"], told["detail"]) == (False, sentence)
    assert calibration.offset is None


def test_a_moment_away_does_not_matter(calibration):
    assert watch(calibration, *[show()] * 18, Faces.empty(), show(2))["on"]


def test_a_baseline_stays_when_the_next_one_fails(calibration):
    watch(calibration, *[show()] * 20)
    before = calibration.offset
    calibration.start()
    assert calibration.describe()["on"]
    assert watch(calibration, *[show(2)] * 20)["on"]
    assert calibration.offset is before


def test_start_forgets_what_was_seen(calibration):
    calibration.add(100, show(2))
    calibration.start()
    assert calibration.add(100, show())["left_s"] == 5
    assert watch(calibration, *[show()] * 5)["on"]


def test_give_up(calibration):
    calibration.add(100, show())
    assert calibration.give_up(STOPPED)["detail"] == STOPPED
    assert calibration.give_up(STOPPED) is None
    assert calibration.add(105, show()) is None


def test_forget(calibration):
    watch(calibration, *[show()] * 20)
    calibration.start()
    calibration.forget()
    assert calibration.describe() == {"type": "baseline", "running": False, "on": False, "left_s": 0, "detail": ""}
