"""EXIF orientation; oracle: OpenCV."""

import struct
import time

import cv2
import numpy as np
import pytest
from factories import make_frame

from fer_lib.images.exif import apply_orientation, read_orientation
from harness.costly_images import make_chunk, make_exif_of_texts


def make_exif(*entries, order="<"):
    header = b"II*\0" if order == "<" else b"MM\0*"
    table = b"".join(struct.pack(f"{order}HHIHH", tag, kind, 1, value, 0) for tag, kind, value in entries)
    return header + struct.pack(f"{order}IH", 8, len(entries)) + table + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_read_orientation(order):
    assert read_orientation(make_exif((271, 2, 9), (274, 3, 6), order=order)) == 6
    assert read_orientation(make_exif((274, 3, 6), (274, 3, 8), order=order)) == 6


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        make_exif(),
        make_exif((274, 3, 0)),
        make_exif((274, 3, 9)),
        make_exif((274, 4, 6)),
        make_exif((274, 3, 6))[:-9],
        b"II*\0\xff\xff\xff\xff" + bytes(99),
        b"II*\0\x08\0\0\0\xff\xff",
        make_exif_of_texts(9_000),
    ],
)
def test_read_orientation_damaged_exif(exif):
    assert read_orientation(exif) == 1


def test_read_orientation_large_exif_is_fast():
    exif = make_exif_of_texts(8_000_000)
    began = time.process_time()
    assert read_orientation(exif) == 1
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_apply_orientation_matches_opencv(orientation):
    frame = make_frame()
    png = cv2.imencode(".png", frame[..., ::-1])[1].tobytes()
    exif = make_exif((274, 3, orientation))
    data = png[:33] + make_chunk(b"eXIf", exif) + png[33:]
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(apply_orientation(frame, orientation), expected)
    assert apply_orientation(frame[..., 0], orientation).shape == expected.shape[:2]
