import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from factories import compose_frame, make_frame
from tiny_networks import SPEC, write_emotion_network

from fer_lib.boxes import iou
from fer_lib.crops import crop_faces
from fer_lib.faces import Faces
from fer_lib.neutral_offset import add_offset
from fer_lib.settings import VisionSettings
from fer_lib.vision import load_pipeline
from fer_lib.vision.pipeline import Pipeline
from fer_lib.weights import DETECTOR, weights_folder

RATE = 64  # a power of two, so that times are exact
FRAME = make_frame(480, 640)
LEFT, RIGHT, FAR = (100, 100, 200, 200), (400, 100, 490, 190), (560, 400, 600, 440)


class FakeDetector:
    """Detector that returns the faces of a scene, and counts its calls.

    Attributes:
        scene: boxes of all faces; tests change them.
        followable: whether `follow` returns any.
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
    """Recognizer that derives the label from the mean of a crop, and records its batch sizes."""

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


MakePipeline = Callable[..., tuple[Pipeline, FakeDetector, FakeRecognizer]]


@pytest.fixture
def make_pipeline() -> MakePipeline:
    def build(*scene: tuple[int, ...], **settings: float) -> tuple[Pipeline, FakeDetector, FakeRecognizer]:
        defaults = {"detect_interval_s": 0.5, "search_interval_s": 0.125, "retry_interval_s": 0.125}
        defaults |= {"recognize_interval_s": 0, "recognize_at_once": 200, "follow_at_once": 200, **settings}
        detector, recognizer = FakeDetector(*scene), FakeRecognizer()
        return Pipeline(detector, recognizer, VisionSettings(**defaults)), detector, recognizer  # type: ignore[arg-type]

    return build


def run(pipeline: Pipeline, frames: int, start_s: float = 0.0, frame: np.ndarray = FRAME) -> list[Faces]:
    return [pipeline.process(frame, start_s + i / RATE) for i in range(frames)]


def encode(frame: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def test_process_empty(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline()
    for faces in run(pipeline, 10):
        assert len(faces) == 0
        assert faces.probabilities.shape == (0, 7)
        assert faces.track_id.shape == (0,)
    assert recognizer.batches == []
    assert pipeline.mode == "idle"


def test_process_all_columns(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT, RIGHT)
    for faces in run(pipeline, 3):
        assert len(faces) == 2
        assert all(column is not None for column in vars(faces).values())
        assert faces.track_id.tolist() == [1, 2]
        np.testing.assert_allclose(faces.xyxy, [LEFT, RIGHT])


def test_process_alternates_detection_and_following(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    modes = []
    for i in range(2 * RATE):
        pipeline.process(FRAME, i / RATE)
        modes.append(pipeline.mode)
    assert detector.detections == 4
    assert modes.count("detect") == 4
    assert modes.count("follow") == 2 * RATE - 4


def test_process_search_interval_without_faces(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline()
    run(pipeline, 2 * RATE)
    assert detector.detections == 16
    assert detector.followed == []


def test_process_zero_settings_mean_every_frame(make_pipeline: MakePipeline) -> None:
    pipeline, detector, recognizer = make_pipeline(LEFT, detect_interval_s=0, cache_difference=0)
    run(pipeline, 20)
    assert detector.detections == 20
    assert recognizer.batches == [1] * 20
    pipeline, detector, _ = make_pipeline(search_interval_s=0)
    run(pipeline, 20)
    assert detector.detections == 20


def test_process_new_face_at_the_next_detection(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    run(pipeline, 1)
    detector.scene.append(RIGHT)
    counts = [len(faces) for faces in run(pipeline, 32, start_s=1 / RATE)]
    assert counts == [1] * 31 + [2]


def test_process_largest_face_first(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(FAR, LEFT, RIGHT)
    for faces in run(pipeline, 3):
        np.testing.assert_allclose(faces.xyxy, [LEFT, RIGHT, FAR])
    pipeline, _, _ = make_pipeline(FAR, LEFT, RIGHT, max_faces=2)
    np.testing.assert_allclose(run(pipeline, 3)[-1].xyxy, [LEFT, RIGHT])


def test_process_lost_face_triggers_detection(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    run(pipeline, 16)
    detector.scene = [RIGHT]
    faces = pipeline.process(FRAME, 16 / RATE)
    assert pipeline.mode == "detect"
    np.testing.assert_allclose(faces.xyxy, [RIGHT])


def test_process_removes_a_face_that_disappears(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT)
    run(pipeline, 16)
    detector.scene = [RIGHT]
    np.testing.assert_allclose(pipeline.process(FRAME, 16 / RATE).xyxy, [RIGHT])
    run(pipeline, 8, start_s=17 / RATE)
    assert detector.detections == 2
    detector.scene = []
    assert len(pipeline.process(FRAME, 25 / RATE)) == 0


def test_process_keeps_a_lost_face_within_the_retry_interval(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT)
    run(pipeline, 1)
    detector.scene = [RIGHT]
    counts = [len(faces) for faces in run(pipeline, 8, start_s=1 / RATE)]
    assert counts == [2] * 7 + [1]
    assert detector.detections == 2


def test_process_flickering_face_limits_detections(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    detector.followable = False
    found = run(pipeline, 2 * RATE)
    assert detector.detections == 16
    assert [faces.track_id.tolist() for faces in found] == [[1]] * (2 * RATE)


def test_process_keeps_a_followed_face_below_the_detection_threshold(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT)
    run(pipeline, 1)
    detector.detect = lambda frame: FakeDetector(RIGHT).detect(frame)  # type: ignore[method-assign]
    found = run(pipeline, RATE, start_s=1 / RATE)
    assert [sorted(faces.track_id) for faces in found] == [[1, 2]] * RATE


def test_process_follows_at_the_predicted_box(make_pipeline: MakePipeline) -> None:
    """Without prediction, a face that moves by 60 % of its side per frame would be lost."""
    pipeline, detector, _ = make_pipeline((0, 0, 100, 100), detect_interval_s=60, retry_interval_s=0)
    run(pipeline, 1)
    for i, step in enumerate((20, 45, 80, 125, 180, 240, 300, 360), start=1):
        detector.scene = [(step, 0, step + 100, 100)]
        faces = pipeline.process(FRAME, i / 10)
        np.testing.assert_allclose(faces.xyxy, detector.scene, atol=5)
        assert faces.track_id.tolist() == [1]
    assert detector.detections == 1


def test_process_classifies_faces_in_one_batch(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, RIGHT, FAR, cache_difference=0)
    run(pipeline, 4)
    assert recognizer.batches == [3, 3, 3, 3]


def test_process_still_face_is_cached(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, cache_max_age_s=0.25)
    run(pipeline, RATE)
    assert recognizer.batches == [1] * 4


def test_process_classifies_changed_faces_only(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, RIGHT, cache_max_age_s=60, smoothing_s=0)
    before = run(pipeline, 3)[-1]
    changed = FRAME.copy()
    changed[100:190, 400:490] //= 4
    after = run(pipeline, 3, start_s=0.1, frame=changed)[-1]
    assert recognizer.batches == [2, 1]
    np.testing.assert_array_equal(after.probabilities[0], before.probabilities[0])
    assert after.labels[1] != before.labels[1]


def test_process_recognize_interval(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, cache_difference=0, recognize_interval_s=4 / RATE)
    run(pipeline, 17)
    assert recognizer.batches == [1] * 5


def test_process_limits_known_faces_per_frame(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, RIGHT, FAR, cache_difference=0, recognize_at_once=1, smoothing_s=0)
    first = pipeline.process(np.full_like(FRAME, 7), 0)
    assert first.labels == ["angry"] * 3
    updated = [
        {int(track) for track, label in zip(faces.track_id, faces.labels, strict=True) if label == "disgust"}
        for faces in run(pipeline, 3, start_s=1 / RATE, frame=np.full_like(FRAME, 8))
    ]
    assert [len(ids) for ids in updated] == [1, 2, 3]
    assert recognizer.batches == [3, 1, 1, 1]


def test_process_classifies_new_faces_immediately(make_pipeline: MakePipeline) -> None:
    pipeline, detector, recognizer = make_pipeline(LEFT, detect_interval_s=0, recognize_at_once=1)
    run(pipeline, 1)
    detector.scene += [RIGHT, FAR]
    assert len(pipeline.process(FRAME, 1 / RATE).labels) == 3
    assert recognizer.batches == [1, 2]


def test_process_follows_round_robin(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT, FAR, follow_at_once=1, detect_interval_s=60, box_smoothing_s=0)
    run(pipeline, 1)
    for i in range(1, RATE):
        detector.scene = [(x1, y1 - i, x2, y2 - i) for x1, y1, x2, y2 in (LEFT, RIGHT, FAR)]
        faces = pipeline.process(FRAME, i / RATE)
        assert sorted(faces.track_id) == [1, 2, 3]
    assert detector.followed == [1] * (RATE - 1)
    assert detector.detections == 1
    # Faces that are not due move with constant velocity, and their landmarks with the box.
    assert iou(np.array(detector.scene, np.float32), faces.xyxy).max(axis=1).min() > 0.9
    np.testing.assert_allclose(sorted(faces.landmarks[:, 0, 1]), [-2, -1, 0], atol=0.1)


def test_process_lost_face_with_round_robin(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT, FAR, follow_at_once=1)
    run(pipeline, 9)
    detector.scene = [LEFT, RIGHT]
    counts = [len(faces) for faces in run(pipeline, 3, start_s=9 / RATE)]
    assert counts[-1] == 2
    assert detector.detections == 2


def test_process_smooths_boxes(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    run(pipeline, 1)
    detector.scene = [(102, 100, 202, 200)]
    first = pipeline.process(FRAME, 1 / RATE).xyxy[0, 0]
    assert 100 < first < 102
    last = run(pipeline, RATE, start_s=2 / RATE)[-1].xyxy[0, 0]
    assert last == pytest.approx(102, abs=0.1)


def test_process_smooths_probabilities(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT, smoothing_s=0.25)
    run(pipeline, 1)
    dark = pipeline.process(np.zeros_like(FRAME), 0.25)
    assert dark.probabilities[0, 0] == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_process_grey_and_rgba_frames(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    for i, frame in enumerate((FRAME[..., 0], FRAME[..., :1], np.dstack([FRAME, FRAME[..., 0]]))):
        assert len(pipeline.process(frame, i / RATE)) == 1


def test_process_frame_size_changes(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    run(pipeline, 2)
    detector.scene = [(50, 50, 100, 100)]
    faces = pipeline.process(make_frame(240, 320), 2 / RATE)
    assert pipeline.mode == "detect"
    np.testing.assert_allclose(faces.xyxy, detector.scene)


@pytest.mark.parametrize("invalid", [np.nan, np.inf, -np.inf])
def test_process_invalid_time(make_pipeline: MakePipeline, invalid: float) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    with pytest.raises(ValueError, match="`time_s` must be a finite number of seconds, but got"):
        pipeline.process(FRAME, invalid)


def test_process_repeated_and_jumping_times(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT, RIGHT)
    for time_s in (5.0, 5.0, 4.99, 5.02, 0.0, 1e9, 1e9, -1e9, 1e-9, 3600.0, 3600.01):
        faces = pipeline.process(FRAME, time_s)
        assert len(faces) == 2
        assert len(set(faces.track_id.tolist())) == 2
    run(pipeline, 100, start_s=3600.02)
    detections = detector.detections
    run(pipeline, RATE, start_s=0.0)
    assert detector.detections - detections <= 3


def test_process_constant_time(make_pipeline: MakePipeline) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    for _ in range(50):
        assert pipeline.process(FRAME, 7.0).track_id.tolist() == [1]
    assert detector.detections == 1


def test_process_timings_of_the_executed_stages(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    pipeline.process(FRAME, 0)
    assert set(pipeline.timings_ms) == {"detect", "track", "recognize", "total"}
    pipeline.process_jpeg(encode(FRAME), 1 / RATE)
    assert set(pipeline.timings_ms) == {"decode", "follow", "track", "recognize", "total"}
    parts = sum(value for stage, value in pipeline.timings_ms.items() if stage != "total")
    assert 0 < parts <= pipeline.timings_ms["total"]


def test_process_jpeg_matches_process(make_pipeline: MakePipeline) -> None:
    (first, *_), (second, *_) = make_pipeline(LEFT, RIGHT), make_pipeline(LEFT, RIGHT)
    one, other = first.process(FRAME, 3.0), second.process_jpeg(encode(FRAME), 3.0)
    for name, column in vars(one).items():
        np.testing.assert_array_equal(getattr(other, name), column)


def test_process_jpeg_full_size_coordinates(real_pipeline: Pipeline) -> None:
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


@pytest.mark.parametrize("invalid", [b"", b"no image", bytes(1000)])
def test_process_jpeg_invalid_data(make_pipeline: MakePipeline, invalid: bytes) -> None:
    pipeline, detector, _ = make_pipeline(LEFT)
    run(pipeline, 2)
    with pytest.raises(ValueError, match="`data` must be a"):
        pipeline.process_jpeg(invalid, 2 / RATE)
    assert run(pipeline, 1, start_s=3 / RATE)[0].track_id.tolist() == [1]
    assert detector.detections == 1


def test_reset_clears_the_stream(make_pipeline: MakePipeline) -> None:
    pipeline, detector, recognizer = make_pipeline(LEFT, cache_max_age_s=60)
    run(pipeline, 3)
    pipeline.reset()
    assert (pipeline.mode, pipeline.timings_ms) == ("idle", {})
    detector.scene = [RIGHT]
    faces = run(pipeline, 1)[0]
    assert pipeline.mode == "detect"
    assert faces.track_id.tolist() == [1]
    np.testing.assert_allclose(faces.xyxy, [RIGHT])
    assert recognizer.batches == [1, 1]


def test_analyze_empty(make_pipeline: MakePipeline) -> None:
    faces = make_pipeline()[0].analyze(FRAME)
    assert len(faces) == 0
    assert faces.labels == []


def test_analyze_is_stateless(make_pipeline: MakePipeline) -> None:
    pipeline, detector, recognizer = make_pipeline(LEFT, RIGHT)
    for _ in range(3):
        faces = pipeline.analyze(FRAME)
        assert faces.track_id is None
        assert len(faces.labels) == 2
    assert detector.detections == 3
    assert recognizer.batches == [2] * 3


def test_analyze_keeps_the_state_of_the_stream(make_pipeline: MakePipeline) -> None:
    reference, tested = make_pipeline(LEFT), make_pipeline(LEFT)
    expected = run(reference[0], 8)
    for i, faces in enumerate(expected):
        found = tested[0].process(FRAME, i / RATE)
        mode, timings = tested[0].mode, tested[0].timings_ms
        tested[0].analyze(make_frame(100, 100))
        assert (tested[0].mode, tested[0].timings_ms) == (mode, timings)
        for name, column in vars(faces).items():
            np.testing.assert_array_equal(getattr(found, name), column)


@pytest.fixture(scope="module")
def real_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Load the shipped detector and an untrained emotion network."""
    folder = tmp_path_factory.mktemp("weights")
    for name in DETECTOR:
        for suffix in ("onnx", "json"):
            shutil.copy(weights_folder() / f"{name}.{suffix}", folder)
    write_emotion_network(folder)
    return load_pipeline(VisionSettings(weights_dir=folder))


def test_load_pipeline_without_emotion_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`git checkout -- weights`"):
        load_pipeline(VisionSettings(weights_dir=tmp_path))


def moving_faces(i: int) -> list[tuple[float, float, float]]:
    """Return centre and height of two faces in frame `i`, the second from frame 15 on."""
    first = (180 + 60 * np.sin(i / 12), 220 + 20 * np.sin(i / 9), 110.0)
    return [first, (470 - 50 * np.sin(i / 15), 240.0, 90.0)] if i >= 15 else [first]


def test_process_jpeg_shipped_detector_moving_faces(real_pipeline: Pipeline) -> None:
    real_pipeline.reset()
    modes: list[str] = []
    for i in range(60):
        frame, truth = compose_frame(moving_faces(i), seed=4)
        faces = real_pipeline.process_jpeg(encode(frame), i / 30)
        modes.append(real_pipeline.mode)
        assert iou(truth[:1], faces.xyxy).max() > 0.6
        assert faces.track_id.tolist() == [1, 2][: len(faces)]
        if i >= 30:
            assert iou(truth, faces.xyxy).diagonal().min() > 0.6
    assert len(faces) == 2
    assert modes.count("detect") <= 5
    assert np.abs(faces.probabilities.sum(axis=1) - 1).max() < 1e-5


def test_process_shipped_detector_face_appears_and_disappears(real_pipeline: Pipeline) -> None:
    real_pipeline.reset()
    (empty, _), (occupied, _) = compose_frame([], seed=4), compose_frame([(300, 240, 120)], seed=4)
    counts = [len(real_pipeline.process(f, i / 30)) for i, f in enumerate([empty] * 5 + [occupied] * 10 + [empty] * 8)]
    assert counts[:5] == [0] * 5
    assert counts[8:15] == [1] * 7
    assert counts[-4:] == [0] * 4


def test_process_shipped_detector_fifty_faces(real_pipeline: Pipeline) -> None:
    """Of fifty faces, the largest `max_faces` are returned, each with one track ID."""
    real_pipeline.reset()
    limit = real_pipeline.settings.max_faces
    places = [(128 * (n % 10) + 64.0, 128 * (n // 10) + 64.0, 64.0 if n % 2 else 56.0) for n in range(50)]
    (empty, _), (one, _) = (compose_frame(faces, 1280, 640, seed=4) for faces in ([], places[31:32]))
    fifty, truth = compose_frame(places, 1280, 640, seed=4)
    truth_by_track: dict[int, int] = {}
    counts = []
    for i, frame in enumerate([empty, fifty, fifty, fifty, empty, empty, empty, one, one, one, empty, empty, empty]):
        faces = real_pipeline.process(frame, 0.75 * i)
        counts.append(len(faces))
        assert len(set(faces.track_id.tolist())) == len(faces)
        if frame is one:
            assert not truth_by_track.keys() & set(faces.track_id.tolist()), (
                "a face that returns after the timeout must get a new track ID"
            )
        if frame is fifty:
            matches = iou(truth, faces.xyxy).argmax(axis=0).tolist()
            assert all(
                truth_by_track.setdefault(track, row) == row for track, row in zip(faces.track_id, matches, strict=True)
            )
    assert 5 <= counts[3] <= limit
    assert counts[0] == counts[-1] == 0
    assert counts[4:7] == [0, 0, 0], "faces that disappear must be removed by the next detection"
    assert counts[7:10] == [1, 1, 1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (7, 2000, 3), (12, 12, 4), (480, 640)])
def test_process_shipped_detector_extreme_shapes(real_pipeline: Pipeline, shape: tuple[int, ...]) -> None:
    real_pipeline.reset()
    frame: Any = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    for time_s in (0.0, 0.03, 0.6):
        assert len(real_pipeline.process(frame, time_s)) == 0
    assert len(real_pipeline.analyze(frame)) == 0


def test_adjust_smoothing_without_reset(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT, smoothing_s=10, cache_difference=0)
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


def test_adjust_loads_no_settings(make_pipeline: MakePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    monkeypatch.setattr(VisionSettings, "load", None)
    pipeline.adjust(smoothing_s=2)
    assert pipeline.settings.smoothing_s == 2


@pytest.mark.parametrize("invalid", [-1, 61, float("nan"), "much"])
def test_adjust_invalid_value(make_pipeline: MakePipeline, invalid: float) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    before = pipeline.settings
    with pytest.raises(ValueError, match="a number from 0 to 60"):
        pipeline.adjust(smoothing_s=invalid)
    assert pipeline.settings == before


def test_calibrate_keeps_raw_probabilities(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, smoothing_s=0, cache_difference=0)
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


def test_calibrate_is_smoothed(make_pipeline: MakePipeline) -> None:
    pipeline, _, recognizer = make_pipeline(LEFT, smoothing_s=10)
    row = np.array([[0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.1]], np.float32)
    recognizer.classify = lambda crops: np.repeat(row, len(crops), axis=0)  # type: ignore[method-assign]
    before = pipeline.process(FRAME, 0).probabilities[0, 5]
    pipeline.calibrate(np.array([0, 0, 0, 0, 0, -2, 0], np.float32))
    after = pipeline.process(FRAME, 0.1).probabilities[0, 5]
    assert before - 0.01 < after < before


def test_calibrate_without_faces(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline()
    pipeline.calibrate(np.full(7, -1, np.float32))
    assert len(pipeline.process(FRAME, 0)) == 0


def test_calibrate_invalid_offset(make_pipeline: MakePipeline) -> None:
    pipeline, _, _ = make_pipeline(LEFT)
    with pytest.raises(ValueError, match="`offset` must"):
        pipeline.calibrate(np.zeros(6, np.float32))
    assert pipeline.process(FRAME, 0).probabilities.max() == 1
