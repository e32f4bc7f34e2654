"""Whatever decodes becomes a frame; whatever does not is refused in one sentence."""

import cv2
import numpy as np
import pytest
from factories import make_frame

from fer_lib.vision.frames import as_frame, decode_jpeg, decode_reduced


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
    with pytest.raises(ValueError, match=f"got {len(data)} bytes"):
        decode_jpeg(data)


def encode(width: int, height: int, ending: str = ".jpg", orientation: int = 1) -> bytes:
    """A picture with a bright left half, and an EXIF entry that says how to turn it."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = 250
    data = cv2.imencode(ending, picture)[1].tobytes()
    if orientation == 1:
        return data
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + bytes(7)
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


@pytest.mark.parametrize(
    ("size", "frame_size"),
    [
        ((99, 50), (99, 50)),
        ((199, 50), (199, 50)),
        ((200, 50), (100, 25)),
        ((201, 77), (101, 39)),
        ((50, 399), (25, 200)),
        ((400, 300), (100, 75)),
        ((801, 3), (101, 1)),
        ((5000, 10), (625, 2)),
    ],
)
def test_decode_reduced_is_no_larger_than_needed(size, frame_size):
    frame, factor = decode_reduced(encode(*size), 100)
    assert frame.shape == (*frame_size[::-1], 3)
    np.testing.assert_allclose(factor * frame_size, size, rtol=1e-6)


def test_decode_reduced_other_files_as_they_are():
    frame, factor = decode_reduced(encode(300, 200, ".png"), 100)
    assert frame.shape == (200, 300, 3)
    assert factor.tolist() == [1, 1]


@pytest.mark.parametrize(("size", "turned"), [((400, 250), (63, 100)), ((250, 400), (100, 63))])
def test_decode_reduced_turned_by_exif(size, turned):
    frame, factor = decode_reduced(encode(*size, orientation=6), 100)
    assert frame.shape == (*turned[::-1], 3)
    np.testing.assert_allclose(factor * turned, size[::-1], rtol=1e-6)
    whole = decode_jpeg(encode(*size, orientation=6))
    small = cv2.resize(whole, turned, interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - frame).mean() < 5


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff", encode(300, 200)[:40]])
def test_decode_reduced_refuses_what_is_no_picture(data):
    with pytest.raises(ValueError, match=f"got {len(data)} bytes"):
        decode_reduced(data, 100)
