import cv2
import numpy as np
import pytest
from ipywebrtc import CameraStream, ImageStream, VideoStream

from fer_lib.live.page.camera import open_camera, open_source
from fer_lib.settings import LiveSettings


def test_open_camera_constraints():
    camera = open_camera(LiveSettings.load(capture_width=800, target_rate=24))
    assert camera.constraints["audio"] is False
    assert camera.constraints["video"] == {
        "width": {"ideal": 800},
        "height": {"ideal": 600},
        "frameRate": {"ideal": 24.0},
        "facingMode": "user",
    }


def test_open_source_default_camera():
    assert isinstance(open_source(), CameraStream)


def test_open_source_video(tmp_path):
    path = tmp_path / "clip.webm"
    path.write_bytes(b"read by the browser only")
    stream = open_source(path)
    assert isinstance(stream, VideoStream)
    assert stream.video.loop


def test_open_source_image(tmp_path):
    path = tmp_path / "Portrait.PNG"
    path.write_bytes(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    assert isinstance(open_source(str(path)), ImageStream)


def test_open_source_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is none at .*missing\.mp4"):
        open_source(tmp_path / "missing.mp4")


def test_open_source_unknown_suffix(tmp_path):
    path = tmp_path / "notes.txt"
    path.touch()
    with pytest.raises(ValueError, match=r"must end in one of \.mp4, .*but got 'notes\.txt'"):
        open_source(path)
