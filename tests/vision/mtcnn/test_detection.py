"""MTCNN detector on composed frames; oracle: facenet-pytorch."""

import numpy as np
import pytest
from factories import compose_frame

from fer_lib.boxes import box_sizes, iou
from fer_lib.settings import VisionSettings
from fer_lib.vision.mtcnn.detection import Detector

DEFAULTS = {
    "min_face_size": 20,
    "pyramid_factor": 0.709,
    "proposal_threshold": 0.6,
    "refine_threshold": 0.7,
    "output_threshold": 0.7,
}


def make_scenes() -> list[dict]:
    """Compose 36 frames: one to six faces, 40 to 300 pixels, cut by the border, dark, and none."""
    scenes: list[dict] = [
        {"faces": [(320, 240, tall)], "seed": i} for i, tall in enumerate((40, 55, 70, 90, 120, 160, 220, 300))
    ]
    places = [(110, 120), (320, 110), (530, 130), (115, 350), (325, 360), (525, 345)]
    for count in range(2, 7):
        for tall in (60, 85, 110):
            faces = [(x, y, tall + 4 * row) for row, (x, y) in enumerate(places[:count])]
            scenes.append({"faces": faces, "seed": count * 100 + tall})
    scenes += [{"faces": [(x, y, 150)], "seed": 7} for x, y in ((20, 240), (620, 240), (320, 30), (320, 450))]
    scenes += [
        {"faces": [(250, 200, tall)], "brightness": light, "seed": 9} for tall in (90, 180) for light in (0.35, 0.2)
    ]
    scenes += [{"faces": [], "seed": seed} for seed in (1, 2)]
    scenes += [{"faces": [(300, 250, 130)], "width": 480, "height": 640, "seed": 3}]
    scenes += [{"faces": [(200, 150, 100), (90, 120, 60)], "width": 320, "height": 240, "seed": 4}]
    scenes += [{"faces": [(600, 350, 260)], "width": 1280, "height": 720, "seed": 5}]
    return scenes


@pytest.fixture(scope="module")
def frames():
    return [compose_frame(**scene)[0] for scene in make_scenes()]


def make_reference(settings: VisionSettings, frame):
    """Make the MTCNN of facenet-pytorch with equivalent settings for a frame."""
    from facenet_pytorch import MTCNN

    smallest = max(settings.min_face_size * max(frame.shape[:2]) / 640, 12)
    thresholds = [settings.proposal_threshold, settings.refine_threshold, settings.output_threshold]
    return MTCNN(
        keep_all=True, min_face_size=smallest, thresholds=thresholds, factor=settings.pyramid_factor, device="cpu"
    )


def compare(settings: VisionSettings, frames) -> dict[str, list[float]]:
    """Match every confident face of the reference with the detector."""
    detector = Detector(settings)
    result = {"iou": [], "landmarks": [], "extra": []}
    for frame in frames:
        boxes, confidence, landmarks = make_reference(settings, frame).detect(frame, landmarks=True)
        faces = detector.detect(frame)
        if boxes is None:
            result["extra"].append(len(faces))
            continue
        is_confident = confidence.astype(float) >= 0.95
        boxes, landmarks = boxes[is_confident].astype(np.float32), landmarks[is_confident].astype(np.float32)
        boxes = np.clip(boxes, 0, [*frame.shape[1::-1], *frame.shape[1::-1]]).astype(np.float32)
        overlap = iou(boxes, faces.xyxy) if len(faces) else np.zeros((len(boxes), 1))
        best = overlap.argmax(axis=1)
        result["iou"] += overlap.max(axis=1).tolist()
        if len(faces):
            gaps = np.abs(landmarks - faces.landmarks[best]).max(axis=(1, 2)) / box_sizes(boxes)[:, 0]
            result["landmarks"] += gaps.tolist()
        result["extra"].append(len(faces) - int(is_confident.sum()))
    return result


def assert_matches(result: dict[str, list[float]], at_least: int) -> None:
    assert len(result["iou"]) >= at_least
    assert np.mean(result["iou"]) >= 0.9
    assert min(result["iou"]) >= 0.75
    assert max(result["landmarks"]) <= 0.05


def test_detect_matches_reference_with_project_settings(frames):
    assert len(frames) >= 30
    assert_matches(compare(VisionSettings.load(), frames), at_least=50)


def test_detect_matches_reference_with_its_defaults(frames):
    assert_matches(compare(VisionSettings.load(**DEFAULTS), frames[::4]), at_least=10)


def test_detect_composed_faces():
    frame, truth = compose_frame([(160, 200, 120), (440, 260, 180)])
    faces = Detector().detect(frame)
    assert len(faces) == 2
    assert iou(truth, faces.xyxy).max(axis=1).min() > 0.6
    assert (np.diff(box_sizes(faces.xyxy).prod(axis=1)) <= 0).all(), "the largest must be first"


def test_detect_no_faces():
    faces = Detector().detect(compose_frame([])[0])
    assert len(faces) == 0
    assert faces.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (11, 11), (12, 12), (13, 640), (2160, 3840)])
def test_detect_extreme_sizes(shape):
    faces = Detector().detect(compose_frame([], shape[1], shape[0])[0])
    assert len(faces) == 0


def test_detect_noise():
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    faces = Detector(VisionSettings.load(**DEFAULTS)).detect(frame)
    assert (faces.xyxy >= 0).all()
    assert (faces.xyxy <= [640, 480, 640, 480]).all()


def test_detect_grey_and_rgba_frames():
    frame, _ = compose_frame([(320, 240, 150)])
    grey = np.asarray(frame.mean(axis=2), np.uint8)
    rgba = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    detector = Detector()
    assert len(detector.detect(grey)) == len(detector.detect(grey[..., None])) == 1
    assert (detector.detect(rgba).xyxy == detector.detect(frame).xyxy).all()


def test_detect_large_frame_coordinates():
    small, _ = compose_frame([(320, 240, 150)])
    large = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)
    detector = Detector()
    first, second = detector.detect(small), detector.detect(large)
    assert second.xyxy / 3 == pytest.approx(first.xyxy, abs=3)


def test_detect_at_most_max_faces():
    frame, _ = compose_frame([(160, 200, 120), (440, 260, 180)])
    faces = Detector(VisionSettings.load(max_faces=1)).detect(frame)
    assert len(faces) == 1
    assert faces.xyxy[0, 0] > 300, "the larger face"


def test_follow_empty():
    assert len(Detector().follow(compose_frame([])[0], np.zeros((0, 4), np.float32))) == 0


def test_follow_moving_face_matches_detection():
    detector = Detector()
    last = detector.detect(compose_frame([(200, 200, 120)])[0]).xyxy
    for step in range(60):
        face = (200 + 160 * np.sin(step / 15), 220 + 60 * np.sin(step / 9), 120 + 30 * np.sin(step / 20))
        frame, _ = compose_frame([face])
        faces = detector.follow(frame, last)
        assert len(faces) == 1, step
        full = detector.detect(frame)
        assert iou(full.xyxy, faces.xyxy).max() >= 0.75, step
        last = faces.xyxy


def test_follow_still_face_does_not_drift():
    detector = Detector()
    frame, _ = compose_frame([(320, 240, 140)])
    start = detector.detect(frame).xyxy
    last = start
    for _ in range(100):
        last = detector.follow(frame, last).xyxy
    assert iou(start, last).max() >= 0.85


def test_follow_face_disappears():
    detector = Detector()
    faces = detector.detect(compose_frame([(320, 240, 140)])[0])
    assert len(detector.follow(compose_frame([])[0], faces.xyxy)) == 0


def test_follow_outside_the_frame():
    outside = np.array([[-500, -500, -400, -400], [2000, 100, 2100, 200]], np.float32)
    assert len(Detector().follow(compose_frame([])[0], outside)) == 0


def test_follow_removes_duplicates():
    detector = Detector()
    frame, _ = compose_frame([(320, 240, 140)])
    box = detector.detect(frame).xyxy
    assert len(detector.follow(frame, np.vstack([box, box + 4]))) == 1
