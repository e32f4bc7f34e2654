import math

import numpy as np
import pytest

from fer_lib.faces import Faces
from fer_lib.settings import VisionSettings
from fer_lib.vision.smoothing import Smoother

HAPPY, SAD = np.eye(7, dtype=np.float32)[[3, 5]]


def make_face(track_id: int = 1, probabilities: np.ndarray = HAPPY, x: float = 100, side: float = 100) -> Faces:
    box = np.array([[x, 100, x + side, 100 + side]], np.float32)
    eyes = box[:, :2].repeat(5, axis=0)[None] + np.arange(10).reshape(1, 5, 2)
    return Faces(box, np.ones(1), eyes, probabilities[None], np.array([track_id]))


def make_smoother(**settings: float) -> Smoother:
    return Smoother(VisionSettings(**settings))


def test_smooth_empty() -> None:
    smoother = make_smoother()
    for time_s in (0.0, 0.0, 5.0):
        assert len(smoother.smooth(Faces.empty(), time_s)) == 0


def test_smooth_missing_track_id() -> None:
    with pytest.raises(ValueError, match="`track_id` must be known"):
        make_smoother().smooth(Faces(np.zeros((1, 4)), np.ones(1)), 0)


def test_smooth_new_face_is_unchanged() -> None:
    face = make_face()
    smooth = make_smoother().smooth(face, 12.5)
    for name, column in vars(face.with_columns(raw_probabilities=face.probabilities)).items():
        np.testing.assert_array_equal(getattr(smooth, name), column)


def test_smooth_returns_raw_probabilities() -> None:
    smoother = make_smoother(smoothing_s=0.5)
    smoother.smooth(make_face(probabilities=HAPPY), 0.0)
    smooth = smoother.smooth(make_face(probabilities=SAD), 0.1)
    np.testing.assert_array_equal(smooth.raw_probabilities, SAD[None])
    assert 0 < smooth.probabilities[0, 5] < 0.5


def test_smooth_without_probabilities() -> None:
    assert make_smoother().smooth(make_face().with_columns(probabilities=None), 0.0).raw_probabilities is None


def test_smooth_unknown_columns_stay_unknown() -> None:
    smoother = make_smoother()
    for time_s in (0.0, 0.1):
        smooth = smoother.smooth(make_face().with_columns(landmarks=None, probabilities=None), time_s)
        assert smooth.landmarks is smooth.probabilities is None


def test_smooth_landmarks_sometimes_missing() -> None:
    smoother = make_smoother()
    smoother.smooth(make_face(), 0)
    assert smoother.smooth(make_face().with_columns(landmarks=None), 0.1).landmarks is None
    assert smoother.smooth(make_face(), 0.2).landmarks is not None


def step_response(rate: int, seconds: float) -> float:
    smoother = make_smoother(smoothing_s=0.25)
    smoother.smooth(make_face(probabilities=SAD), 0)
    for frame in range(1, round(seconds * rate) + 1):
        smooth = smoother.smooth(make_face(probabilities=HAPPY), frame / rate)
    return float(smooth.probabilities[0, 3])


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.5, 1.0])
def test_smooth_does_not_depend_on_the_frame_rate(seconds: float) -> None:
    exact = 1 - math.exp(-seconds / 0.25)
    for rate in (10, 30, 60, 200):
        assert step_response(rate, seconds) == pytest.approx(exact, abs=1e-4)


def test_smooth_irregular_times() -> None:
    smoother = make_smoother(smoothing_s=0.25)
    smoother.smooth(make_face(probabilities=SAD), 0)
    for time_s in (0.01, 0.012, 0.2, 0.21, 0.5):
        smooth = smoother.smooth(make_face(probabilities=HAPPY), time_s)
    assert smooth.probabilities[0, 3] == pytest.approx(1 - math.exp(-0.5 / 0.25), abs=1e-4)


def test_smooth_zero_disables_smoothing() -> None:
    smoother = make_smoother(smoothing_s=0, box_smoothing_s=0)
    smoother.smooth(make_face(probabilities=SAD, x=100), 0)
    face = make_face(probabilities=HAPPY, x=107)
    smooth = smoother.smooth(face, 0.001)
    np.testing.assert_allclose(smooth.probabilities, face.probabilities)
    np.testing.assert_allclose(smooth.xyxy, face.xyxy)
    np.testing.assert_allclose(smooth.landmarks, face.landmarks)


def test_smooth_probabilities_sum_to_one() -> None:
    random = np.random.default_rng(4)
    smoother = make_smoother()
    for frame in range(2000):
        smooth = smoother.smooth(make_face(probabilities=random.dirichlet(np.full(7, 0.2))), frame / 30)
        assert abs(smooth.probabilities.sum() - 1) < 1e-5
        assert smooth.probabilities.min() >= 0


def test_smooth_does_not_mix_faces() -> None:
    smoother = make_smoother(smoothing_s=1)
    sad = make_face(1, SAD)
    smoother.smooth(sad, 0)
    both = Faces(
        xyxy=np.array([[300, 100, 400, 200], [100, 100, 200, 200]]),
        confidence=np.ones(2),
        probabilities=np.stack([HAPPY, SAD]),
        track_id=np.array([2, 1]),
    )
    smooth = smoother.smooth(both, 0.1)
    np.testing.assert_allclose(smooth.probabilities, both.probabilities)
    np.testing.assert_allclose(smooth.xyxy, both.xyxy)


@pytest.mark.parametrize("rate", [15, 30, 60])
def test_smooth_still_face_without_jitter(rate: int) -> None:
    random = np.random.default_rng(6)
    smoother = make_smoother()
    noise = random.normal(0, 1, 20 * rate)
    smooth = [smoother.smooth(make_face(x=100 + n), i / rate) for i, n in enumerate(noise)]
    lefts = np.array([s.xyxy[0, 0] for s in smooth])[rate:]
    noses = np.array([s.landmarks[0, 2, 0] for s in smooth])[rate:]
    assert np.abs(np.diff(lefts)).mean() < 0.4 * np.abs(np.diff(noise)).mean()
    assert np.abs(np.diff(noses)).mean() < 0.4 * np.abs(np.diff(noise)).mean()


@pytest.mark.parametrize("rate", [10, 30, 60])
@pytest.mark.parametrize("speed", [50, 200, 600])
def test_smooth_moving_face_without_lag(rate: int, speed: float) -> None:
    smoother = make_smoother()
    for frame in range(2 * rate):
        face = make_face(x=100 + speed * frame / rate)
        smooth = smoother.smooth(face, frame / rate)
    assert abs(smooth.xyxy[0, 0] - face.xyxy[0, 0]) < 0.031 * 100
    assert abs(smooth.landmarks[0, 2, 0] - face.landmarks[0, 2, 0]) < 0.031 * 100


def test_smooth_growing_face_without_lag() -> None:
    smoother = make_smoother()
    for frame in range(45):
        face = make_face(side=60 + 4 * frame)
        smooth = smoother.smooth(face, frame / 30)
    np.testing.assert_allclose(smooth.xyxy, face.xyxy, atol=0.03 * face.xyxy[0, 2])


def test_smooth_converges_at_rest() -> None:
    smoother = make_smoother()
    for frame in range(60):
        face = make_face(x=100 + 10 * min(frame, 20))
        smooth = smoother.smooth(face, frame / 30)
    np.testing.assert_allclose(smooth.xyxy, face.xyxy, atol=0.5)


def test_smooth_face_returns_after_a_gap() -> None:
    smoother = make_smoother(track_timeout_s=60, smoothing_s=0.25)
    smoother.smooth(make_face(probabilities=SAD), 0)
    smoother.smooth(Faces.empty(), 0.1)
    smooth = smoother.smooth(make_face(probabilities=HAPPY), 5)
    np.testing.assert_allclose(smooth.probabilities[0], HAPPY, atol=1e-4)


def test_smooth_removes_faces_after_the_timeout() -> None:
    smoother = make_smoother(track_timeout_s=0.7)
    for track_id in range(1000):
        smoother.smooth(make_face(track_id), track_id / 30)
        assert len(smoother) <= 0.7 * 30 + 2
    smoother.smooth(Faces.empty(), 1000 / 30 + 1)
    assert len(smoother) == 0


def test_smooth_limits_memory_if_the_clock_stands_still() -> None:
    smoother = make_smoother(max_faces=16)
    for track_id in range(1000):
        smoother.smooth(make_face(track_id), 0.0)
    assert len(smoother) <= 5 * 16


@pytest.mark.parametrize("jump_s", [0.0, -0.02, -3600.0, 3600.0, 1e12])
def test_smooth_clock_jumps(jump_s: float) -> None:
    smoother = make_smoother()
    smoother.smooth(make_face(probabilities=SAD), 100)
    smooth = smoother.smooth(make_face(probabilities=HAPPY, x=110), 100 + jump_s)
    assert 100 <= smooth.xyxy[0, 0] <= 110
    if abs(jump_s) > 1:
        np.testing.assert_allclose(smooth.probabilities[0], HAPPY, atol=1e-6)
    later = smoother.smooth(make_face(probabilities=HAPPY, x=110), 100 + jump_s + 5)
    np.testing.assert_allclose(later.probabilities[0], HAPPY, atol=1e-6)
