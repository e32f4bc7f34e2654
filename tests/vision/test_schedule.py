import pytest

from fer_lib.settings import VisionSettings
from fer_lib.vision.schedule import DetectionSchedule

RATE = 64  # a power of two, so that times are exact


def make_schedule(**settings: float) -> DetectionSchedule:
    return DetectionSchedule(VisionSettings(detect_interval_s=0.5, search_interval_s=0.125, **settings))


def count_detections(schedule: DetectionSchedule, frames: int, following: bool, lost: bool = False) -> int:
    return sum(schedule.is_due(frame / RATE, following, lost) for frame in range(frames))


def test_is_due_first_frame() -> None:
    assert make_schedule().is_due(123.4, following=False, lost=False)
    assert make_schedule().is_due(-5.0, following=True, lost=False)


def test_is_due_while_following() -> None:
    assert count_detections(make_schedule(), 4 * RATE, following=True) == 8


def test_is_due_without_faces() -> None:
    assert count_detections(make_schedule(), 4 * RATE, following=False) == 32


def test_is_due_lost_face() -> None:
    schedule = make_schedule(retry_interval_s=0.125)
    assert schedule.is_due(0.0, following=True, lost=False)
    assert not schedule.is_due(0.2, following=True, lost=False)
    assert schedule.is_due(0.22, following=True, lost=True)


def test_is_due_lost_face_within_the_retry_interval() -> None:
    schedule = make_schedule(retry_interval_s=0.125)
    assert schedule.is_due(0.0, following=True, lost=False)
    assert not schedule.is_due(0.04, following=True, lost=True)
    assert not schedule.is_due(0.08, following=True, lost=False)
    assert schedule.is_due(0.13, following=True, lost=False)
    assert not schedule.is_due(0.24, following=True, lost=False)


def test_is_due_flickering_face_is_limited() -> None:
    assert count_detections(make_schedule(retry_interval_s=0.125), 4 * RATE, following=True, lost=True) == 32


def test_is_due_zero_interval_every_frame() -> None:
    for following in (True, False):
        schedule = DetectionSchedule(VisionSettings(detect_interval_s=0, search_interval_s=0))
        assert count_detections(schedule, 30, following) == 30
    assert count_detections(make_schedule(retry_interval_s=0), 30, following=True, lost=True) == 30


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -0.6])
def test_is_due_clock_jumps(jump_s: float) -> None:
    schedule = make_schedule()
    schedule.is_due(100.0, following=True, lost=False)
    assert schedule.is_due(100.0 + jump_s, following=True, lost=False)
    assert not schedule.is_due(100.0 + jump_s + 0.1, following=True, lost=False)


def test_is_due_repeated_and_reordered_times() -> None:
    schedule = make_schedule()
    assert schedule.is_due(1.0, following=True, lost=False)
    assert not any(schedule.is_due(time_s, following=True, lost=False) for time_s in (1.0, 0.98, 1.02, 1.0))
