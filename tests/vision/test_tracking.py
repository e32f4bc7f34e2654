import numpy as np
import pytest

from fer_lib.faces import Faces
from fer_lib.settings import VisionSettings
from fer_lib.vision.tracking import Tracker

RATE = 30


def make_faces(*boxes: tuple[float, float, float, float]) -> Faces:
    return Faces(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.99))


def square(x: float, y: float, side: float = 100) -> tuple[float, float, float, float]:
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def ids(faces: Faces) -> list[int]:
    assert faces.track_id is not None
    return faces.track_id.tolist()


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(VisionSettings())


def test_track_empty(tracker: Tracker) -> None:
    for time_s in (0.0, 0.0, 1.0):
        faces = tracker.track(Faces.empty(), time_s)
        assert ids(faces) == []
        assert faces.track_id.dtype == np.int64


def test_predict_empty(tracker: Tracker) -> None:
    assert tracker.predict(1.0).shape == (0, 4)
    tracker.track(make_faces(square(100, 100)), 0)
    tracker.track(Faces.empty(), 0.1)
    assert tracker.predict(0.2).shape == (0, 4)


def test_track_counts_up_from_one(tracker: Tracker) -> None:
    assert ids(tracker.track(make_faces(square(100, 100), square(300, 100)), 0)) == [1, 2]
    assert ids(tracker.track(make_faces(square(500, 100), square(300, 100), square(100, 100)), 0.1)) == [3, 2, 1]


def test_track_leaves_the_other_columns(tracker: Tracker) -> None:
    faces = make_faces(square(100, 100))
    tracked = tracker.track(faces, 0)
    assert tracked.xyxy is faces.xyxy
    assert tracked.confidence is faces.confidence
    assert faces.track_id is None


@pytest.mark.parametrize("rate", [5, 10, 30, 60, 240])
def test_track_keeps_the_number_of_a_moving_face(tracker: Tracker, rate: int) -> None:
    for frame in range(2 * rate):
        time_s = frame / rate
        assert ids(tracker.track(make_faces(square(100 + 150 * time_s, 200)), time_s)) == [1]


def test_track_keeps_the_number_of_a_fast_small_face(tracker: Tracker) -> None:
    """It moves by 90 % of its own side per frame, so that its boxes hardly overlap."""
    for frame in range(12):
        time_s = frame / 15
        assert ids(tracker.track(make_faces(square(50 + 36 * frame, 200, side=40)), time_s)) == [1]


def test_track_does_not_take_a_far_face_for_a_fast_one(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100, 40)), 0)
    assert ids(tracker.track(make_faces(square(200, 100, 40)), 1 / RATE)) == [2]


def test_track_does_not_take_a_near_face_of_another_size(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100, 40)), 0)
    assert ids(tracker.track(make_faces(square(130, 100, 200)), 1 / RATE)) == [2]


def test_track_a_face_that_comes_closer(tracker: Tracker) -> None:
    for frame in range(30):
        assert ids(tracker.track(make_faces(square(320, 240, 40 * 1.08**frame)), frame / RATE)) == [1]


def test_track_keeps_the_number_for_as_long_as_its_patience() -> None:
    for gap_s, expected in ((0.6, 1), (0.8, 2)):
        tracker = Tracker(VisionSettings(track_timeout_s=0.7))
        tracker.track(make_faces(square(100, 100)), 0)
        tracker.track(Faces.empty(), 0.1)
        tracker.track(Faces.empty(), 0.1 + gap_s / 2)
        assert ids(tracker.track(make_faces(square(100, 100)), 0.1 + gap_s)) == [expected]


def test_track_without_patience_a_missed_face_is_a_new_one() -> None:
    tracker = Tracker(VisionSettings(track_timeout_s=0))
    tracker.track(make_faces(square(100, 100)), 0)
    assert ids(tracker.track(make_faces(square(100, 100)), 0.1)) == [1]
    tracker.track(Faces.empty(), 0.2)
    assert ids(tracker.track(make_faces(square(100, 100)), 0.3)) == [2]


def test_track_never_reuses_a_number(tracker: Tracker) -> None:
    seen: set[int] = set()
    for appearance in range(20):
        (number,) = ids(tracker.track(make_faces(square(100, 100)), 3.0 * appearance))
        assert number not in seen
        seen.add(number)
        tracker.track(Faces.empty(), 3.0 * appearance + 0.1)


def test_track_order_of_rows_does_not_matter(tracker: Tracker) -> None:
    random = np.random.default_rng(5)
    places = {number: square(120 * number, 200) for number in range(1, 5)}
    tracker.track(make_faces(*places.values()), 0)
    for frame in range(1, 20):
        order = random.permutation(list(places))
        faces = tracker.track(make_faces(*(places[number] for number in order)), frame / RATE)
        assert ids(faces) == order.tolist()


@pytest.mark.parametrize("apart_y", [40, 70, 110])
def test_track_faces_that_cross_keep_their_numbers(tracker: Tracker, apart_y: float) -> None:
    for frame in range(60):
        x = 8 * frame
        faces = make_faces(square(80 + x, 200), square(560 - x, 200 + apart_y))
        assert ids(tracker.track(faces, frame / RATE)) == [1, 2]


def test_track_faces_that_pass_behind_each_other_keep_their_numbers(tracker: Tracker) -> None:
    """While the two overlap by half, the detector sees only the one in front."""
    for frame in range(60):
        front, behind = 80 + 8 * frame, 560 - 8 * frame
        hidden = abs(front - behind) < 40
        boxes = [square(front, 200)] if hidden else [square(front, 200), square(behind, 200)]
        assert ids(tracker.track(make_faces(*boxes), frame / RATE)) == ([1] if hidden else [1, 2])


def test_track_jitter_does_not_cost_a_number(tracker: Tracker) -> None:
    random = np.random.default_rng(2)
    for frame in range(100):
        box = np.array(square(300, 200, 60)) + random.normal(0, 3, 4)
        assert ids(tracker.track(make_faces(tuple(box)), frame / RATE)) == [1]


def test_track_irregular_times(tracker: Tracker) -> None:
    time_s = 0.0
    for gap_s in np.random.default_rng(1).uniform(0.001, 0.4, 100):
        time_s += gap_s
        x = 300 + 100 * np.sin(time_s)
        assert ids(tracker.track(make_faces(square(x, 200)), time_s)) == [1]


def test_track_slow_streams_keep_numbers(tracker: Tracker) -> None:
    """A face in two frames in a row was not unseen, even if the frames are further apart than the patience."""
    assert [ids(tracker.track(make_faces(square(100, 100)), float(t)))[0] for t in range(5)] == [1] * 5


@pytest.mark.parametrize("jump_s", [7200.0, -7200.0, 1e12])
def test_track_clock_jumps_are_a_new_beginning(tracker: Tracker, jump_s: float) -> None:
    tracker.track(make_faces(square(100, 100)), 0)
    assert ids(tracker.track(make_faces(square(100, 100)), jump_s)) == [2]
    assert ids(tracker.track(make_faces(square(104, 100)), jump_s + 1 / RATE)) == [2]


def test_track_repeated_and_reordered_times(tracker: Tracker) -> None:
    for time_s in (1.0, 1.0, 0.95, 1.05, 1.02, 1.02, 1.1):
        assert ids(tracker.track(make_faces(square(100 + 100 * time_s, 100)), time_s)) == [1]
    assert np.isfinite(tracker.predict(1.1)).all()


def crowd(time_s: float) -> list[tuple[float, float, float, float]]:
    """Fifty faces in ten columns, each swaying in its own way."""
    places = [(128 * (n % 10) + 64, 128 * (n // 10) + 64) for n in range(50)]
    return [
        square(x + 20 * np.sin(2 * time_s + n), y + 15 * np.cos(3 * time_s + n), 70) for n, (x, y) in enumerate(places)
    ]


def unlucky(frames: int, rng: np.random.Generator) -> list[int]:
    """Numbers of frames of which a quarter is lost, a quarter comes twice, and some come after the one behind them."""
    numbers = np.repeat(np.arange(frames), rng.choice([0, 1, 1, 2], frames)).tolist()
    for place in rng.choice(len(numbers) - 1, len(numbers) // 5, replace=False):
        numbers[place], numbers[place + 1] = numbers[place + 1], numbers[place]
    return numbers


@pytest.mark.parametrize("seed", range(5))
def test_track_fifty_faces_in_dropped_repeated_and_reordered_frames(tracker: Tracker, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first: dict[int, int] = {}
    for number in unlucky(120, rng):
        boxes, order = crowd(number / RATE), rng.permutation(50)
        seen = ids(tracker.track(make_faces(*(boxes[n] for n in order)), number / RATE))
        people = dict(zip(order.tolist(), seen, strict=True))
        first = first or people
        assert people == first
    assert len(tracker) == 50


def test_track_nobody_then_fifty_then_one(tracker: Tracker) -> None:
    assert ids(tracker.track(Faces.empty(), 0)) == []
    assert ids(tracker.track(make_faces(*crowd(0)), 1 / RATE)) == list(range(1, 51))
    one = crowd(0)[7]
    for frame in range(2, 3 * RATE):
        assert ids(tracker.track(make_faces(one), frame / RATE)) == [8]
    assert len(tracker) == 1, "the tracks of those who left have ended"
    assert sorted(ids(tracker.track(make_faces(*crowd(0)), 3.0))) == [8, *range(51, 100)]


def test_track_forgets_even_if_the_clock_stands_still(tracker: Tracker) -> None:
    for place in range(500):
        tracker.track(make_faces(square(1000 * place, 0)), 0.0)
    assert len(tracker) <= 5 * VisionSettings().max_faces


def test_predict_moves_on_at_the_same_pace(tracker: Tracker) -> None:
    for frame in range(15):
        tracker.track(make_faces(square(100 + 6 * frame, 200 - 3 * frame)), frame / RATE)
    expected = square(100 + 6 * 15, 200 - 3 * 15)
    np.testing.assert_allclose(tracker.predict(15 / RATE), [expected], atol=0.5)


def test_predict_follows_the_rows_of_the_last_frame(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100), square(300, 100)), 0)
    tracker.track(make_faces(square(300, 100), square(100, 100)), 0.1)
    np.testing.assert_allclose(tracker.predict(0.1), [square(300, 100), square(100, 100)], atol=1e-3)


def test_predict_does_not_run_away(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100)), 0)
    tracker.track(make_faces(square(110, 100)), 1 / RATE)
    assert abs(tracker.predict(3600.0)[0, 0] - 60) < 150
    np.testing.assert_array_equal(tracker.predict(-3600.0), [square(110, 100)])
