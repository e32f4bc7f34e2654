"""Conversion of images to frames."""

import cv2
import numpy as np
import pytest
from factories import make_frame

from fer_lib.vision.media.frames import as_frame, decode_jpeg


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (1, 1)])
def test_as_frame_grey_rgb_rgba(shape):
    assert as_frame(np.full(shape, 9, np.uint8)).shape == (*shape[:2], 3)


def test_as_frame_does_not_copy_rgb():
    frame = make_frame(6, 8)
    assert as_frame(frame) is frame
    assert (as_frame(frame[:, ::-1]) == frame[:, ::-1]).all()


@pytest.mark.parametrize("shape", [(0, 5, 3), (5,), (5, 5, 2), (2, 5, 5, 3)])
def test_as_frame_wrong_shape(shape):
    with pytest.raises(ValueError, match="must have the shape"):
        as_frame(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("pixels", [np.zeros((5, 5, 3)), [[1, 2]], None, b"bytes"])
def test_as_frame_wrong_type(pixels):
    with pytest.raises(TypeError, match="array of uint8"):
        as_frame(pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_decode_jpeg_returns_rgb(suffix):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 2] = 250  # OpenCV writes BGR
    frame = decode_jpeg(cv2.imencode(suffix, red)[1].tobytes())
    assert frame.shape == (16, 16, 3)
    assert frame[..., 0].min() > 200
    assert frame[..., 1:].max() < 60


@pytest.mark.parametrize("data", [b"", b"no image", cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()[:30]])
def test_decode_jpeg_invalid_data(data):
    with pytest.raises(ValueError, match=f"(got|ends after) {len(data)} bytes"):
        decode_jpeg(data)
