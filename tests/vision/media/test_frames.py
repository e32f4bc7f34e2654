"""Whatever decodes becomes a frame; whatever does not is refused in one sentence."""

import cv2
import numpy as np
import pytest
from factories import make_frame

from fer_lib.vision.media.frames import as_frame, decode_jpeg


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (1, 1)])
def test_as_frame_accepts_grey_colour_and_transparent(shape):
    assert as_frame(np.full(shape, 9, np.uint8)).shape == (*shape[:2], 3)


def test_as_frame_keeps_colour_and_order():
    frame = make_frame(6, 8)
    assert as_frame(frame) is frame
    assert (as_frame(frame[:, ::-1]) == frame[:, ::-1]).all()


@pytest.mark.parametrize("shape", [(0, 5, 3), (5,), (5, 5, 2), (2, 5, 5, 3)])
def test_as_frame_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="must have the shape"):
        as_frame(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("pixels", [np.zeros((5, 5, 3)), [[1, 2]], None, b"bytes"])
def test_as_frame_refuses_other_kinds(pixels):
    with pytest.raises(TypeError, match="array of uint8"):
        as_frame(pixels)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_decode_jpeg_gives_rgb(ending):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 2] = 250  # OpenCV writes BGR
    frame = decode_jpeg(cv2.imencode(ending, red)[1].tobytes())
    assert frame.shape == (16, 16, 3)
    assert frame[..., 0].min() > 200
    assert frame[..., 1:].max() < 60


@pytest.mark.parametrize(
    "data", [b"", b"no picture", cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()[:30]]
)
def test_decode_jpeg_refuses_what_is_no_picture(data):
    with pytest.raises(ValueError, match=f"(got|ends after) {len(data)} bytes"):
        decode_jpeg(data)
