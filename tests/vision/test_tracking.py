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


def test_track_keeps_other_columns(tracker: Tracker) -> None:
    faces = make_faces(square(100, 100))
    tracked = tracker.track(faces, 0)
    assert tracked.xyxy is faces.xyxy
    assert tracked.confidence is faces.confidence
    assert faces.track_id is None


@pytest.mark.parametrize("rate", [5, 10, 30, 60, 240])
def test_track_moving_face(tracker: Tracker, rate: int) -> None:
    for frame in range(2 * rate):
        time_s = frame / rate
        assert ids(tracker.track(make_faces(square(100 + 150 * time_s, 200)), time_s)) == [1]


def test_track_fast_small_face(tracker: Tracker) -> None:
    """The face moves by 90 % of its side per frame, so that its boxes hardly overlap."""
    for frame in range(12):
        time_s = frame / 15
        assert ids(tracker.track(make_faces(square(50 + 36 * frame, 200, side=40)), time_s)) == [1]


def test_track_distant_face_is_new(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100, 40)), 0)
    assert ids(tracker.track(make_faces(square(200, 100, 40)), 1 / RATE)) == [2]


def test_track_near_face_of_another_size_is_new(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100, 40)), 0)
    assert ids(tracker.track(make_faces(square(130, 100, 200)), 1 / RATE)) == [2]


def test_track_growing_face(tracker: Tracker) -> None:
    for frame in range(30):
        assert ids(tracker.track(make_faces(square(320, 240, 40 * 1.08**frame)), frame / RATE)) == [1]


def test_track_missed_face_until_the_timeout() -> None:
    for gap_s, expected in ((0.6, 1), (0.8, 2)):
        tracker = Tracker(VisionSettings(track_timeout_s=0.7))
        tracker.track(make_faces(square(100, 100)), 0)
        tracker.track(Faces.empty(), 0.1)
        tracker.track(Faces.empty(), 0.1 + gap_s / 2)
        assert ids(tracker.track(make_faces(square(100, 100)), 0.1 + gap_s)) == [expected]


def test_track_zero_timeout() -> None:
    tracker = Tracker(VisionSettings(track_timeout_s=0))
    tracker.track(make_faces(square(100, 100)), 0)
    assert ids(tracker.track(make_faces(square(100, 100)), 0.1)) == [1]
    tracker.track(Faces.empty(), 0.2)
    assert ids(tracker.track(make_faces(square(100, 100)), 0.3)) == [2]


def test_track_never_reuses_an_id(tracker: Tracker) -> None:
    seen: set[int] = set()
    for appearance in range(20):
        (track_id,) = ids(tracker.track(make_faces(square(100, 100)), 3.0 * appearance))
        assert track_id not in seen
        seen.add(track_id)
        tracker.track(Faces.empty(), 3.0 * appearance + 0.1)


def test_track_any_row_order(tracker: Tracker) -> None:
    random = np.random.default_rng(5)
    places = {track_id: square(120 * track_id, 200) for track_id in range(1, 5)}
    tracker.track(make_faces(*places.values()), 0)
    for frame in range(1, 20):
        order = random.permutation(list(places))
        faces = tracker.track(make_faces(*(places[track_id] for track_id in order)), frame / RATE)
        assert ids(faces) == order.tolist()


@pytest.mark.parametrize("offset_y", [40, 70, 110])
def test_track_crossing_faces(tracker: Tracker, offset_y: float) -> None:
    for frame in range(60):
        x = 8 * frame
        faces = make_faces(square(80 + x, 200), square(560 - x, 200 + offset_y))
        assert ids(tracker.track(faces, frame / RATE)) == [1, 2]


def test_track_occluded_face(tracker: Tracker) -> None:
    """While the faces overlap by half, the detector returns only the front one."""
    for frame in range(60):
        front, behind = 80 + 8 * frame, 560 - 8 * frame
        hidden = abs(front - behind) < 40
        boxes = [square(front, 200)] if hidden else [square(front, 200), square(behind, 200)]
        assert ids(tracker.track(make_faces(*boxes), frame / RATE)) == ([1] if hidden else [1, 2])


def test_track_jitter(tracker: Tracker) -> None:
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


def test_track_low_frame_rate(tracker: Tracker) -> None:
    """A face in consecutive frames keeps its ID, even if the interval is longer than the timeout."""
    assert [ids(tracker.track(make_faces(square(100, 100)), float(t)))[0] for t in range(5)] == [1] * 5


@pytest.mark.parametrize("jump_s", [7200.0, -7200.0, 1e12])
def test_track_clock_jumps_start_new_tracks(tracker: Tracker, jump_s: float) -> None:
    tracker.track(make_faces(square(100, 100)), 0)
    assert ids(tracker.track(make_faces(square(100, 100)), jump_s)) == [2]
    assert ids(tracker.track(make_faces(square(104, 100)), jump_s + 1 / RATE)) == [2]


def test_track_repeated_and_reordered_times(tracker: Tracker) -> None:
    for time_s in (1.0, 1.0, 0.95, 1.05, 1.02, 1.02, 1.1):
        assert ids(tracker.track(make_faces(square(100 + 100 * time_s, 100)), time_s)) == [1]
    assert np.isfinite(tracker.predict(1.1)).all()


def fifty_boxes(time_s: float) -> list[tuple[float, float, float, float]]:
    """Return fifty boxes in ten columns, each on its own periodic path."""
    places = [(128 * (n % 10) + 64, 128 * (n // 10) + 64) for n in range(50)]
    return [
        square(x + 20 * np.sin(2 * time_s + n), y + 15 * np.cos(3 * time_s + n), 70) for n, (x, y) in enumerate(places)
    ]


def unreliable_frames(frames: int, rng: np.random.Generator) -> list[int]:
    """Return frame indices of which a quarter is dropped, a quarter repeated, and some swapped with the next one."""
    indices = np.repeat(np.arange(frames), rng.choice([0, 1, 1, 2], frames)).tolist()
    for place in rng.choice(len(indices) - 1, len(indices) // 5, replace=False):
        indices[place], indices[place + 1] = indices[place + 1], indices[place]
    return indices


@pytest.mark.parametrize("seed", range(5))
def test_track_fifty_faces_in_dropped_repeated_and_reordered_frames(tracker: Tracker, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first: dict[int, int] = {}
    for index in unreliable_frames(120, rng):
        boxes, order = fifty_boxes(index / RATE), rng.permutation(50)
        seen = ids(tracker.track(make_faces(*(boxes[n] for n in order)), index / RATE))
        id_by_face = dict(zip(order.tolist(), seen, strict=True))
        first = first or id_by_face
        assert id_by_face == first
    assert len(tracker) == 50


def test_track_none_then_fifty_then_one(tracker: Tracker) -> None:
    assert ids(tracker.track(Faces.empty(), 0)) == []
    assert ids(tracker.track(make_faces(*fifty_boxes(0)), 1 / RATE)) == list(range(1, 51))
    one = fifty_boxes(0)[7]
    for frame in range(2, 3 * RATE):
        assert ids(tracker.track(make_faces(one), frame / RATE)) == [8]
    assert len(tracker) == 1, "tracks of missing faces must end"
    assert sorted(ids(tracker.track(make_faces(*fifty_boxes(0)), 3.0))) == [8, *range(51, 100)]


def test_track_limits_memory_if_the_clock_stands_still(tracker: Tracker) -> None:
    for place in range(500):
        tracker.track(make_faces(square(1000 * place, 0)), 0.0)
    assert len(tracker) <= 5 * VisionSettings().max_faces


def test_predict_constant_velocity(tracker: Tracker) -> None:
    for frame in range(15):
        tracker.track(make_faces(square(100 + 6 * frame, 200 - 3 * frame)), frame / RATE)
    expected = square(100 + 6 * 15, 200 - 3 * 15)
    np.testing.assert_allclose(tracker.predict(15 / RATE), [expected], atol=0.5)


def test_predict_row_order(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100), square(300, 100)), 0)
    tracker.track(make_faces(square(300, 100), square(100, 100)), 0.1)
    np.testing.assert_allclose(tracker.predict(0.1), [square(300, 100), square(100, 100)], atol=1e-3)


def test_predict_limits_extrapolation(tracker: Tracker) -> None:
    tracker.track(make_faces(square(100, 100)), 0)
    tracker.track(make_faces(square(110, 100)), 1 / RATE)
    assert abs(tracker.predict(3600.0)[0, 0] - 60) < 150
    np.testing.assert_array_equal(tracker.predict(-3600.0), [square(110, 100)])
