import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from factories import compose_frame, make_faces, make_frame
from tiny_networks import SPEC, write_emotion_network

from fer_lib.boxes import iou
from fer_lib.crops import crop_faces
from fer_lib.faces import Faces
from fer_lib.neutral_offset import add_offset
from fer_lib.settings import VisionSettings
from fer_lib.vision import load_pipeline
from fer_lib.vision.pipeline import Pipeline, add_missing
from fer_lib.weights import DETECTOR, weights_folder

RATE = 64  # a power of two, so that times are exact
FRAME = make_frame(480, 640)
LEFT, RIGHT, FAR = (100, 100, 200, 200), (400, 100, 490, 190), (560, 400, 600, 440)


class FakeDetector:
    """Finds the faces of a scene that the test changes, and counts how often it is asked.

    Attributes:
        scene: the boxes of all faces.
        followable: whether `follow` finds any.
    """

    def __init__(self, *scene: tuple[int, ...]) -> None:
        self.scene = list(scene)
        self.followable = True
        self.detections = 0
        self.followed: list[int] = []

    def detect(self, frame: np.ndarray) -> Faces:
        self.detections += 1
        return self._faces(self.scene)

    def follow(self, frame: np.ndarray, xyxy: np.ndarray) -> Faces:
        self.followed.append(len(xyxy))
        near = [box for box in self.scene if (iou(np.array([box], np.float32), xyxy) > 0.3).any()]
        return self._faces(near if self.followable else [])

    def _faces(self, boxes: list[tuple[int, ...]]) -> Faces:
        xyxy = np.array(boxes, np.float32).reshape(-1, 4)
        return Faces(xyxy, np.full(len(boxes), 0.9), np.zeros((len(boxes), 5, 2)))


class FakeRecognizer:
    """Is sure of the emotion that the mean of a crop points at, and counts its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def crop(self, frame: np.ndarray, faces: Faces) -> np.ndarray:
        return crop_faces(frame, faces.xyxy, SPEC)

    def classify(self, crops: np.ndarray) -> np.ndarray:
        if len(crops):
            self.batches.append(len(crops))
        return np.eye(7, dtype=np.float32)[[int(crop.mean()) % 7 for crop in crops]].reshape(-1, 7)

    def recognize(self, frame: np.ndarray, faces: Faces) -> Faces:
        return faces.with_columns(probabilities=self.classify(self.crop(frame, faces)))


Make = Callable[..., tuple[Pipeline, FakeDetector, FakeRecognizer]]


@pytest.fixture
def make() -> Make:
    def build(*scene: tuple[int, ...], **settings: float) -> tuple[Pipeline, FakeDetector, FakeRecognizer]:
        given = {"detect_interval_s": 0.5, "search_interval_s": 0.125, "retry_interval_s": 0.125}
        given |= {"recognize_interval_s": 0, "recognize_at_once": 200, "follow_at_once": 200, **settings}
        detector, recognizer = FakeDetector(*scene), FakeRecognizer()
        return Pipeline(detector, recognizer, VisionSettings(**given)), detector, recognizer  # type: ignore[arg-type]

    return build


def run(pipeline: Pipeline, frames: int, start_s: float = 0.0, frame: np.ndarray = FRAME) -> list[Faces]:
    return [pipeline.process(frame, start_s + i / RATE) for i in range(frames)]


def encode(frame: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def test_process_empty(make: Make) -> None:
    pipeline, _, recognizer = make()
    for faces in run(pipeline, 10):
        assert len(faces) == 0
        assert faces.probabilities.shape == (0, 7)
        assert faces.track_id.shape == (0,)
    assert recognizer.batches == []
    assert pipeline.mode == "idle"


def test_process_fills_every_column(make: Make) -> None:
    pipeline, _, _ = make(LEFT, RIGHT)
    for faces in run(pipeline, 3):
        assert len(faces) == 2
        assert all(column is not None for column in vars(faces).values())
        assert faces.track_id.tolist() == [1, 2]
        np.testing.assert_allclose(faces.xyxy, [LEFT, RIGHT])


def test_process_detects_seldom_and_follows_often(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    modes = []
    for i in range(2 * RATE):
        pipeline.process(FRAME, i / RATE)
        modes.append(pipeline.mode)
    assert detector.detections == 4
    assert modes.count("detect") == 4
    assert modes.count("follow") == 2 * RATE - 4


def test_process_searches_now_and_then_while_there_is_no_face(make: Make) -> None:
    pipeline, detector, _ = make()
    run(pipeline, 2 * RATE)
    assert detector.detections == 16
    assert detector.followed == []


def test_process_zero_settings_mean_every_frame(make: Make) -> None:
    pipeline, detector, recognizer = make(LEFT, detect_interval_s=0, cache_difference=0)
    run(pipeline, 20)
    assert detector.detections == 20
    assert recognizer.batches == [1] * 20
    pipeline, detector, _ = make(search_interval_s=0)
    run(pipeline, 20)
    assert detector.detections == 20


def test_process_finds_a_new_face_at_the_next_detection(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    run(pipeline, 1)
    detector.scene.append(RIGHT)
    counts = [len(faces) for faces in run(pipeline, 32, start_s=1 / RATE)]
    assert counts == [1] * 31 + [2]


def test_process_largest_face_first(make: Make) -> None:
    pipeline, _, _ = make(FAR, LEFT, RIGHT)
    for faces in run(pipeline, 3):
        np.testing.assert_allclose(faces.xyxy, [LEFT, RIGHT, FAR])
    pipeline, _, _ = make(FAR, LEFT, RIGHT, max_faces=2)
    np.testing.assert_allclose(run(pipeline, 3)[-1].xyxy, [LEFT, RIGHT])


def test_process_a_lost_face_is_looked_for_at_once(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    run(pipeline, 16)
    detector.scene = [RIGHT]
    faces = pipeline.process(FRAME, 16 / RATE)
    assert pipeline.mode == "detect"
    np.testing.assert_allclose(faces.xyxy, [RIGHT])


def test_process_a_face_that_left_is_gone(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT)
    run(pipeline, 16)
    detector.scene = [RIGHT]
    np.testing.assert_allclose(pipeline.process(FRAME, 16 / RATE).xyxy, [RIGHT])
    run(pipeline, 8, start_s=17 / RATE)
    assert detector.detections == 2
    detector.scene = []
    assert len(pipeline.process(FRAME, 25 / RATE)) == 0


def test_process_a_lost_face_stays_until_it_may_be_looked_for(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT)
    run(pipeline, 1)
    detector.scene = [RIGHT]
    counts = [len(faces) for faces in run(pipeline, 8, start_s=1 / RATE)]
    assert counts == [2] * 7 + [1]
    assert detector.detections == 2


def test_process_a_face_that_keeps_vanishing_has_a_budget(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    detector.followable = False
    found = run(pipeline, 2 * RATE)
    assert detector.detections == 16
    assert [faces.track_id.tolist() for faces in found] == [[1]] * (2 * RATE)


def test_process_a_less_certain_face_survives_a_detection_that_misses_it(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT)
    run(pipeline, 1)
    detector.detect = lambda frame: FakeDetector(RIGHT).detect(frame)  # type: ignore[method-assign]
    found = run(pipeline, RATE, start_s=1 / RATE)
    assert [sorted(faces.track_id) for faces in found] == [[1, 2]] * RATE


def test_process_follows_where_the_face_is_going(make: Make) -> None:
    """Without looking ahead, a face that moves by 60 % of its side per frame would be lost."""
    pipeline, detector, _ = make((0, 0, 100, 100), detect_interval_s=60, retry_interval_s=0)
    run(pipeline, 1)
    for i, step in enumerate((20, 45, 80, 125, 180, 240, 300, 360), start=1):
        detector.scene = [(step, 0, step + 100, 100)]
        faces = pipeline.process(FRAME, i / 10)
        np.testing.assert_allclose(faces.xyxy, detector.scene, atol=5)
        assert faces.track_id.tolist() == [1]
    assert detector.detections == 1


def test_process_all_faces_in_one_batch(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, RIGHT, FAR, cache_difference=0)
    run(pipeline, 4)
    assert recognizer.batches == [3, 3, 3, 3]


def test_process_a_still_face_is_looked_at_once_in_a_while(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, cache_max_age_s=0.25)
    run(pipeline, RATE)
    assert recognizer.batches == [1] * 4


def test_process_only_faces_that_changed_are_looked_at(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, RIGHT, cache_max_age_s=60, smoothing_s=0)
    before = run(pipeline, 3)[-1]
    changed = FRAME.copy()
    changed[100:190, 400:490] //= 4
    after = run(pipeline, 3, start_s=0.1, frame=changed)[-1]
    assert recognizer.batches == [2, 1]
    np.testing.assert_array_equal(after.probabilities[0], before.probabilities[0])
    assert after.labels[1] != before.labels[1]


def test_process_a_face_is_not_looked_at_in_every_frame(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, cache_difference=0, recognize_interval_s=4 / RATE)
    run(pipeline, 17)
    assert recognizer.batches == [1] * 5


def test_process_known_faces_are_looked_at_in_turns(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, RIGHT, FAR, cache_difference=0, recognize_at_once=1, smoothing_s=0)
    first = pipeline.process(np.full_like(FRAME, 7), 0)
    assert first.labels == ["angry"] * 3
    numbers = [
        {int(number) for number, label in zip(faces.track_id, faces.labels, strict=True) if label == "disgust"}
        for faces in run(pipeline, 3, start_s=1 / RATE, frame=np.full_like(FRAME, 8))
    ]
    assert [len(looked) for looked in numbers] == [1, 2, 3]
    assert recognizer.batches == [3, 1, 1, 1]


def test_process_new_faces_do_not_wait(make: Make) -> None:
    pipeline, detector, recognizer = make(LEFT, detect_interval_s=0, recognize_at_once=1)
    run(pipeline, 1)
    detector.scene += [RIGHT, FAR]
    assert len(pipeline.process(FRAME, 1 / RATE).labels) == 3
    assert recognizer.batches == [1, 2]


def test_process_a_crowd_is_followed_in_turns(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT, FAR, follow_at_once=1, detect_interval_s=60, box_smoothing_s=0)
    run(pipeline, 1)
    for i in range(1, RATE):
        detector.scene = [(x1, y1 - i, x2, y2 - i) for x1, y1, x2, y2 in (LEFT, RIGHT, FAR)]
        faces = pipeline.process(FRAME, i / RATE)
        assert sorted(faces.track_id) == [1, 2, 3]
    assert detector.followed == [1] * (RATE - 1)
    assert detector.detections == 1
    # Who is not looked for moves on at a steady pace, and the landmarks with the box.
    assert iou(np.array(detector.scene, np.float32), faces.xyxy).max(axis=1).min() > 0.9
    np.testing.assert_allclose(sorted(faces.landmarks[:, 0, 1]), [-2, -1, 0], atol=0.1)


def test_process_a_face_lost_in_a_crowd_is_looked_for(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT, FAR, follow_at_once=1)
    run(pipeline, 9)
    detector.scene = [LEFT, RIGHT]
    counts = [len(faces) for faces in run(pipeline, 3, start_s=9 / RATE)]
    assert counts[-1] == 2
    assert detector.detections == 2


def test_process_smooths_boxes_but_follows_unsmoothed(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    run(pipeline, 1)
    detector.scene = [(102, 100, 202, 200)]
    first = pipeline.process(FRAME, 1 / RATE).xyxy[0, 0]
    assert 100 < first < 102
    last = run(pipeline, RATE, start_s=2 / RATE)[-1].xyxy[0, 0]
    assert last == pytest.approx(102, abs=0.1)


def test_process_smooths_probabilities(make: Make) -> None:
    pipeline, _, _ = make(LEFT, smoothing_s=0.25)
    run(pipeline, 1)
    dark = pipeline.process(np.zeros_like(FRAME), 0.25)
    assert dark.probabilities[0, 0] == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_process_accepts_grey_and_alpha(make: Make) -> None:
    pipeline, _, _ = make(LEFT)
    for i, frame in enumerate((FRAME[..., 0], FRAME[..., :1], np.dstack([FRAME, FRAME[..., 0]]))):
        assert len(pipeline.process(frame, i / RATE)) == 1


def test_process_a_camera_that_changes_its_size(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    run(pipeline, 2)
    detector.scene = [(50, 50, 100, 100)]
    faces = pipeline.process(make_frame(240, 320), 2 / RATE)
    assert pipeline.mode == "detect"
    np.testing.assert_allclose(faces.xyxy, detector.scene)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_process_a_time_that_is_none(make: Make, wrong: float) -> None:
    pipeline, _, _ = make(LEFT)
    with pytest.raises(ValueError, match="`time_s` must be a finite number of seconds, but got"):
        pipeline.process(FRAME, wrong)


def test_process_any_times(make: Make) -> None:
    pipeline, detector, _ = make(LEFT, RIGHT)
    for time_s in (5.0, 5.0, 4.99, 5.02, 0.0, 1e9, 1e9, -1e9, 1e-9, 3600.0, 3600.01):
        faces = pipeline.process(FRAME, time_s)
        assert len(faces) == 2
        assert len(set(faces.track_id.tolist())) == 2
    run(pipeline, 100, start_s=3600.02)
    detections = detector.detections
    run(pipeline, RATE, start_s=0.0)
    assert detector.detections - detections <= 3


def test_process_a_clock_that_stands_still(make: Make) -> None:
    pipeline, detector, _ = make(LEFT)
    for _ in range(50):
        assert pipeline.process(FRAME, 7.0).track_id.tolist() == [1]
    assert detector.detections == 1


def test_process_timings_name_the_stages_that_ran(make: Make) -> None:
    pipeline, _, _ = make(LEFT)
    pipeline.process(FRAME, 0)
    assert set(pipeline.timings_ms) == {"detect", "track", "recognize", "total"}
    pipeline.process_jpeg(encode(FRAME), 1 / RATE)
    assert set(pipeline.timings_ms) == {"decode", "follow", "track", "recognize", "total"}
    parts = sum(value for stage, value in pipeline.timings_ms.items() if stage != "total")
    assert 0 < parts <= pipeline.timings_ms["total"]


def test_process_jpeg_agrees_with_process(make: Make) -> None:
    (first, *_), (second, *_) = make(LEFT, RIGHT), make(LEFT, RIGHT)
    one, other = first.process(FRAME, 3.0), second.process_jpeg(encode(FRAME), 3.0)
    for name, column in vars(one).items():
        np.testing.assert_array_equal(getattr(other, name), column)


def test_process_jpeg_large_pictures_are_told_in_their_own_pixels(real_pipeline: Pipeline) -> None:
    real_pipeline.reset()
    frame, truth = compose_frame([(180, 220, 110), (470, 240, 90)], seed=4)
    large = cv2.resize(frame, (1921, 1441), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(large, cv2.COLOR_RGB2BGR))[1].tobytes()
    whole = real_pipeline.analyze(large)
    for time_s in (0.0, 0.1):
        faces = real_pipeline.process_jpeg(jpeg, time_s)
        assert iou(truth * 3, faces.xyxy).diagonal().min() > 0.6
        assert iou(whole.xyxy, faces.xyxy).diagonal().min() > 0.9
        assert np.abs(faces.landmarks - whole.landmarks).max() < 10
        assert (faces.xyxy.max(axis=0)[2:] <= [1921, 1441]).all()


@pytest.mark.parametrize("wrong", [b"", b"no picture", bytes(1000)])
def test_process_jpeg_no_picture(make: Make, wrong: bytes) -> None:
    pipeline, detector, _ = make(LEFT)
    run(pipeline, 2)
    with pytest.raises(ValueError, match="`data` must be a"):
        pipeline.process_jpeg(wrong, 2 / RATE)
    assert run(pipeline, 1, start_s=3 / RATE)[0].track_id.tolist() == [1]
    assert detector.detections == 1


def test_reset_forgets(make: Make) -> None:
    pipeline, detector, recognizer = make(LEFT, cache_max_age_s=60)
    run(pipeline, 3)
    pipeline.reset()
    assert (pipeline.mode, pipeline.timings_ms) == ("idle", {})
    detector.scene = [RIGHT]
    faces = run(pipeline, 1)[0]
    assert pipeline.mode == "detect"
    assert faces.track_id.tolist() == [1]
    np.testing.assert_allclose(faces.xyxy, [RIGHT])
    assert recognizer.batches == [1, 1]


def test_analyze_empty(make: Make) -> None:
    faces = make()[0].analyze(FRAME)
    assert len(faces) == 0
    assert faces.labels == []


def test_analyze_has_no_memory(make: Make) -> None:
    pipeline, detector, recognizer = make(LEFT, RIGHT)
    for _ in range(3):
        faces = pipeline.analyze(FRAME)
        assert faces.track_id is None
        assert len(faces.labels) == 2
    assert detector.detections == 3
    assert recognizer.batches == [2] * 3


def test_analyze_does_not_disturb_the_stream(make: Make) -> None:
    quiet, disturbed = make(LEFT), make(LEFT)
    expected = run(quiet[0], 8)
    for i, faces in enumerate(expected):
        found = disturbed[0].process(FRAME, i / RATE)
        mode, timings = disturbed[0].mode, disturbed[0].timings_ms
        disturbed[0].analyze(make_frame(100, 100))
        assert (disturbed[0].mode, disturbed[0].timings_ms) == (mode, timings)
        for name, column in vars(faces).items():
            np.testing.assert_array_equal(getattr(found, name), column)


def test_add_missing_empty() -> None:
    faces = make_faces(2)
    assert len(add_missing(Faces.empty(), Faces.empty(), 0.3)) == 0
    np.testing.assert_array_equal(add_missing(faces, Faces.empty(), 0.3).xyxy, faces.xyxy)
    np.testing.assert_array_equal(add_missing(Faces.empty(), faces, 0.3).landmarks, faces.landmarks)


def test_add_missing_takes_only_who_is_not_there() -> None:
    first = FakeDetector(LEFT).detect(FRAME)
    second = FakeDetector((110, 100, 210, 200), RIGHT).detect(FRAME)
    both = add_missing(first, second, 0.3)
    np.testing.assert_array_equal(both.xyxy, [LEFT, RIGHT])
    assert both.landmarks.shape == (2, 5, 2)
    assert add_missing(first.with_columns(landmarks=None), second, 0.3).landmarks is None


@pytest.fixture(scope="module")
def real_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The real detector, and a real network that is too small to know anything."""
    folder = tmp_path_factory.mktemp("weights")
    for name in DETECTOR:
        for ending in ("onnx", "json"):
            shutil.copy(weights_folder() / f"{name}.{ending}", folder)
    write_emotion_network(folder)
    return load_pipeline(VisionSettings(weights_dir=folder))


def test_load_pipeline_without_emotion_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`git checkout -- weights`"):
        load_pipeline(VisionSettings(weights_dir=tmp_path))


def move(i: int) -> list[tuple[float, float, float]]:
    """Two faces of 110 and 90 pixels, of which the second shows up after half a second."""
    first = (180 + 60 * np.sin(i / 12), 220 + 20 * np.sin(i / 9), 110.0)
    return [first, (470 - 50 * np.sin(i / 15), 240.0, 90.0)] if i >= 15 else [first]


def test_load_pipeline_real_faces_are_followed(real_pipeline: Pipeline) -> None:
    real_pipeline.reset()
    modes: list[str] = []
    for i in range(60):
        frame, truth = compose_frame(move(i), seed=4)
        faces = real_pipeline.process_jpeg(encode(frame), i / 30)
        modes.append(real_pipeline.mode)
        assert iou(truth[:1], faces.xyxy).max() > 0.6
        assert faces.track_id.tolist() == [1, 2][: len(faces)]
        if i >= 30:
            assert iou(truth, faces.xyxy).diagonal().min() > 0.6
    assert len(faces) == 2
    assert modes.count("detect") <= 5
    assert np.abs(faces.probabilities.sum(axis=1) - 1).max() < 1e-5


def test_load_pipeline_real_faces_come_and_go(real_pipeline: Pipeline) -> None:
    real_pipeline.reset()
    (nobody, _), (somebody, _) = compose_frame([], seed=4), compose_frame([(300, 240, 120)], seed=4)
    counts = [
        len(real_pipeline.process(f, i / 30)) for i, f in enumerate([nobody] * 5 + [somebody] * 10 + [nobody] * 8)
    ]
    assert counts[:5] == [0] * 5
    assert counts[8:15] == [1] * 7
    assert counts[-4:] == [0] * 4


def test_load_pipeline_real_crowd_comes_and_goes(real_pipeline: Pipeline) -> None:
    """Fifty faces are more than are reported: the largest are, each with one number."""
    real_pipeline.reset()
    limit = real_pipeline.settings.max_faces
    places = [(128 * (n % 10) + 64.0, 128 * (n // 10) + 64.0, 64.0 if n % 2 else 56.0) for n in range(50)]
    (nobody, _), (one, _) = (compose_frame(faces, 1280, 640, seed=4) for faces in ([], places[31:32]))
    fifty, truth = compose_frame(places, 1280, 640, seed=4)
    people: dict[int, int] = {}
    counts = []
    for i, frame in enumerate(
        [nobody, fifty, fifty, fifty, nobody, nobody, nobody, one, one, one, nobody, nobody, nobody]
    ):
        faces = real_pipeline.process(frame, 0.75 * i)
        counts.append(len(faces))
        assert len(set(faces.track_id.tolist())) == len(faces)
        if frame is one:
            assert not people.keys() & set(faces.track_id.tolist()), "whoever comes after a while is new"
        if frame is fifty:
            who = iou(truth, faces.xyxy).argmax(axis=0).tolist()
            assert all(
                people.setdefault(track, person) == person for track, person in zip(faces.track_id, who, strict=True)
            )
    assert 5 <= counts[3] <= limit
    assert counts[0] == counts[-1] == 0
    assert counts[4:7] == [0, 0, 0], "who left is gone with the next detection"
    assert counts[7:10] == [1, 1, 1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (7, 2000, 3), (12, 12, 4), (480, 640)])
def test_load_pipeline_real_frames_of_any_shape(real_pipeline: Pipeline, shape: tuple[int, ...]) -> None:
    real_pipeline.reset()
    frame: Any = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    for time_s in (0.0, 0.03, 0.6):
        assert len(real_pipeline.process(frame, time_s)) == 0
    assert len(real_pipeline.analyze(frame)) == 0


def test_adjust_changes_the_smoothing_and_keeps_the_stream(make: Make) -> None:
    pipeline, _, _ = make(LEFT, smoothing_s=10, cache_difference=0)
    dark, light = np.full((480, 640, 3), 7, np.uint8), np.full((480, 640, 3), 8, np.uint8)
    pipeline.process(dark, 0)
    slow = pipeline.process(light, 0.1).probabilities[0]
    pipeline.adjust(smoothing_s=0)
    faces = pipeline.process(light, 0.2)
    assert slow.max() < 1
    assert faces.probabilities[0].max() == 1
    assert faces.track_id.tolist() == [1]
    pipeline.reset()
    assert pipeline.settings.smoothing_s == 0


def test_adjust_loads_no_settings(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, _, _ = make(LEFT)
    monkeypatch.setattr(VisionSettings, "load", None)
    pipeline.adjust(smoothing_s=2)
    assert pipeline.settings.smoothing_s == 2


@pytest.mark.parametrize("wrong", [-1, 61, float("nan"), "much"])
def test_adjust_a_value_that_is_not_allowed(make: Make, wrong: float) -> None:
    pipeline, _, _ = make(LEFT)
    before = pipeline.settings
    with pytest.raises(ValueError, match="a number from 0 to 60"):
        pipeline.adjust(smoothing_s=wrong)
    assert pipeline.settings == before


def test_calibrate_changes_the_probabilities_and_not_what_the_network_said(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, smoothing_s=0, cache_difference=0)
    row = np.array([[0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.1]], np.float32)
    recognizer.classify = lambda crops: np.repeat(row, len(crops), axis=0)  # type: ignore[method-assign]
    offset = np.array([0, 0, 0, 0, 0, -1, 0], np.float32)
    pipeline.calibrate(offset)
    faces = pipeline.process(FRAME, 0)
    np.testing.assert_allclose(faces.probabilities, add_offset(row, offset))
    np.testing.assert_array_equal(faces.raw_probabilities, row)
    assert faces.labels == ["neutral"]
    pipeline.reset()
    assert pipeline.process(FRAME, 1).labels == ["neutral"]
    pipeline.calibrate(None)
    np.testing.assert_allclose(pipeline.process(FRAME, 2).probabilities, row)


def test_calibrate_is_smoothed_like_any_change(make: Make) -> None:
    pipeline, _, recognizer = make(LEFT, smoothing_s=10)
    row = np.array([[0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.1]], np.float32)
    recognizer.classify = lambda crops: np.repeat(row, len(crops), axis=0)  # type: ignore[method-assign]
    before = pipeline.process(FRAME, 0).probabilities[0, 5]
    pipeline.calibrate(np.array([0, 0, 0, 0, 0, -2, 0], np.float32))
    after = pipeline.process(FRAME, 0.1).probabilities[0, 5]
    assert before - 0.01 < after < before


def test_calibrate_without_faces(make: Make) -> None:
    pipeline, _, _ = make()
    pipeline.calibrate(np.full(7, -1, np.float32))
    assert len(pipeline.process(FRAME, 0)) == 0


def test_calibrate_a_value_that_is_not_allowed(make: Make) -> None:
    pipeline, _, _ = make(LEFT)
    with pytest.raises(ValueError, match="`offset` must"):
        pipeline.calibrate(np.zeros(6, np.float32))
    assert pipeline.process(FRAME, 0).probabilities.max() == 1
