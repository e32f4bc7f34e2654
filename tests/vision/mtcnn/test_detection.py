"""Our cascade against facenet-pytorch's, on composed frames; nothing that comes from a camera breaks it."""

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
    """Build the reference for a frame with the meaning that our settings have there."""
    from facenet_pytorch import MTCNN

    smallest = max(settings.min_face_size * max(frame.shape[:2]) / 640, 12)
    thresholds = [settings.proposal_threshold, settings.refine_threshold, settings.output_threshold]
    return MTCNN(
        keep_all=True, min_face_size=smallest, thresholds=thresholds, factor=settings.pyramid_factor, device="cpu"
    )


def compare(settings: VisionSettings, frames) -> dict[str, list[float]]:
    """Match every confident face of the reference with ours."""
    detector = Detector(settings)
    found = {"overlap": [], "landmarks": [], "extra": []}
    for frame in frames:
        boxes, confidence, landmarks = make_reference(settings, frame).detect(frame, landmarks=True)
        ours = detector.detect(frame)
        if boxes is None:
            found["extra"].append(len(ours))
            continue
        sure = confidence.astype(float) >= 0.95
        boxes, landmarks = boxes[sure].astype(np.float32), landmarks[sure].astype(np.float32)
        boxes = np.clip(boxes, 0, [*frame.shape[1::-1], *frame.shape[1::-1]]).astype(np.float32)
        shared = iou(boxes, ours.xyxy) if len(ours) else np.zeros((len(boxes), 1))
        best = shared.argmax(axis=1)
        found["overlap"] += shared.max(axis=1).tolist()
        if len(ours):
            gaps = np.abs(landmarks - ours.landmarks[best]).max(axis=(1, 2)) / box_sizes(boxes)[:, 0]
            found["landmarks"] += gaps.tolist()
        found["extra"].append(len(ours) - int(sure.sum()))
    return found


def assert_agrees(found: dict[str, list[float]], at_least: int) -> None:
    assert len(found["overlap"]) >= at_least
    assert np.mean(found["overlap"]) >= 0.9
    assert min(found["overlap"]) >= 0.75
    assert max(found["landmarks"]) <= 0.05


def test_detect_agrees_with_the_reference_at_our_settings(frames):
    assert len(frames) >= 30
    assert_agrees(compare(VisionSettings.load(), frames), at_least=50)


def test_detect_agrees_with_the_reference_at_its_own_defaults(frames):
    assert_agrees(compare(VisionSettings.load(**DEFAULTS), frames[::4]), at_least=10)


def test_detect_finds_the_true_faces():
    frame, truth = compose_frame([(160, 200, 120), (440, 260, 180)])
    faces = Detector().detect(frame)
    assert len(faces) == 2
    assert iou(truth, faces.xyxy).max(axis=1).min() > 0.6
    assert (np.diff(box_sizes(faces.xyxy).prod(axis=1)) <= 0).all(), "the largest comes first"


def test_detect_nobody():
    faces = Detector().detect(compose_frame([])[0])
    assert len(faces) == 0
    assert faces.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (11, 11), (12, 12), (13, 640), (2160, 3840)])
def test_detect_any_size(shape):
    faces = Detector().detect(compose_frame([], shape[1], shape[0])[0])
    assert len(faces) == 0


def test_detect_noise_ends_and_stays_in_the_frame():
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    faces = Detector(VisionSettings.load(**DEFAULTS)).detect(frame)
    assert (faces.xyxy >= 0).all()
    assert (faces.xyxy <= [640, 480, 640, 480]).all()


def test_detect_grey_and_transparent_frames():
    frame, _ = compose_frame([(320, 240, 150)])
    grey = np.asarray(frame.mean(axis=2), np.uint8)
    clear = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    detector = Detector()
    assert len(detector.detect(grey)) == len(detector.detect(grey[..., None])) == 1
    assert (detector.detect(clear).xyxy == detector.detect(frame).xyxy).all()


def test_detect_large_frames_in_their_own_pixels():
    small, _ = compose_frame([(320, 240, 150)])
    large = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)
    detector = Detector()
    first, second = detector.detect(small), detector.detect(large)
    assert second.xyxy / 3 == pytest.approx(first.xyxy, abs=3)


def test_detect_at_most_max_faces():
    frame, _ = compose_frame([(160, 200, 120), (440, 260, 180)])
    faces = Detector(VisionSettings.load(max_faces=1)).detect(frame)
    assert len(faces) == 1
    assert faces.xyxy[0, 0] > 300, "the larger one"


def test_follow_nobody():
    assert len(Detector().follow(compose_frame([])[0], np.zeros((0, 4), np.float32))) == 0


def test_follow_a_moving_face_as_detection_would():
    detector = Detector()
    last = detector.detect(compose_frame([(200, 200, 120)])[0]).xyxy
    for step in range(60):
        place = (200 + 160 * np.sin(step / 15), 220 + 60 * np.sin(step / 9), 120 + 30 * np.sin(step / 20))
        frame, _ = compose_frame([place])
        faces = detector.follow(frame, last)
        assert len(faces) == 1, step
        full = detector.detect(frame)
        assert iou(full.xyxy, faces.xyxy).max() >= 0.75, step
        last = faces.xyxy


def test_follow_a_still_face_does_not_drift():
    detector = Detector()
    frame, _ = compose_frame([(320, 240, 140)])
    start = detector.detect(frame).xyxy
    last = start
    for _ in range(100):
        last = detector.follow(frame, last).xyxy
    assert iou(start, last).max() >= 0.85


def test_follow_loses_a_face_that_is_gone():
    detector = Detector()
    faces = detector.detect(compose_frame([(320, 240, 140)])[0])
    assert len(detector.follow(compose_frame([])[0], faces.xyxy)) == 0


def test_follow_outside_the_frame_is_lost():
    outside = np.array([[-500, -500, -400, -400], [2000, 100, 2100, 200]], np.float32)
    assert len(Detector().follow(compose_frame([])[0], outside)) == 0


def test_follow_two_that_became_one_keeps_one():
    detector = Detector()
    frame, _ = compose_frame([(320, 240, 140)])
    box = detector.detect(frame).xyxy
    assert len(detector.follow(frame, np.vstack([box, box + 4]))) == 1
