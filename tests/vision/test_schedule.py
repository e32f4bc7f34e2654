import pytest

from fer_lib.settings import VisionSettings
from fer_lib.vision.schedule import DetectionSchedule

RATE = 64  # a power of two, so that times are exact


def make_schedule(**settings: float) -> DetectionSchedule:
    return DetectionSchedule(VisionSettings(detect_interval_s=0.5, search_interval_s=0.125, **settings))


def count_detections(schedule: DetectionSchedule, frames: int, following: bool, lost: bool = False) -> int:
    return sum(schedule.due(frame / RATE, following, lost) for frame in range(frames))


def test_due_at_the_first_frame() -> None:
    assert make_schedule().due(123.4, following=False, lost=False)
    assert make_schedule().due(-5.0, following=True, lost=False)


def test_due_while_faces_are_followed() -> None:
    assert count_detections(make_schedule(), 4 * RATE, following=True) == 8


def test_due_while_there_is_no_face() -> None:
    assert count_detections(make_schedule(), 4 * RATE, following=False) == 32


def test_due_when_a_face_is_lost() -> None:
    schedule = make_schedule(retry_interval_s=0.125)
    assert schedule.due(0.0, following=True, lost=False)
    assert not schedule.due(0.2, following=True, lost=False)
    assert schedule.due(0.22, following=True, lost=True)


def test_due_a_loss_is_remembered_until_it_may_be_looked_for() -> None:
    schedule = make_schedule(retry_interval_s=0.125)
    assert schedule.due(0.0, following=True, lost=False)
    assert not schedule.due(0.04, following=True, lost=True)
    assert not schedule.due(0.08, following=True, lost=False)
    assert schedule.due(0.13, following=True, lost=False)
    assert not schedule.due(0.24, following=True, lost=False)


def test_due_a_face_that_keeps_vanishing_has_a_budget() -> None:
    assert count_detections(make_schedule(retry_interval_s=0.125), 4 * RATE, following=True, lost=True) == 32


def test_due_zero_means_every_frame() -> None:
    for following in (True, False):
        schedule = DetectionSchedule(VisionSettings(detect_interval_s=0, search_interval_s=0))
        assert count_detections(schedule, 30, following) == 30
    assert count_detections(make_schedule(retry_interval_s=0), 30, following=True, lost=True) == 30


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -0.6])
def test_due_after_a_jump_of_the_clock(jump_s: float) -> None:
    schedule = make_schedule()
    schedule.due(100.0, following=True, lost=False)
    assert schedule.due(100.0 + jump_s, following=True, lost=False)
    assert not schedule.due(100.0 + jump_s + 0.1, following=True, lost=False)


def test_due_not_for_repeated_and_reordered_frames() -> None:
    schedule = make_schedule()
    assert schedule.due(1.0, following=True, lost=False)
    assert not any(schedule.due(time_s, following=True, lost=False) for time_s in (1.0, 0.98, 1.02, 1.0))
