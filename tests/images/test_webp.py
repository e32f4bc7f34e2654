"""WebP chunks, with OpenCV's decoder as the oracle for what must still be shown."""

import io
import struct

import cv2
import numpy as np
import pytest
from factories import make_frame
from PIL import Image

from fer_lib.images.decoding import TooManyPixelsError, decode
from fer_lib.images.headers import read_size
from fer_lib.images.webp import MAX_CHUNKS, parse_webp
from harness.costly_images import SIDE, make_vp8l


def save(mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(make_frame()).convert(mode).save(stream, "WEBP", **options)
    return stream.getvalue()


def riff(*chunks, size=None):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def canvas(width, height, flags=0):
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


IMAGE = chunk(b"VP8L", make_vp8l())
FRAME = bytes(6) + (SIDE - 1).to_bytes(3, "little") * 2 + bytes(4)
HUGE = chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(5))  # 16,384 × 16,384


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"icc_profile": bytes(999)}, {"xmp": bytes(999)}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_decode_webp_shows_what_opencv_shows(mode, options):
    data = save(mode, **options)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_webp_turned_by_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(lossless=True, exif=exif)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data), expected)


def test_decode_webp_shows_the_first_frame_of_an_animation():
    other = Image.fromarray(255 - make_frame())
    data = save(save_all=True, append_images=[other], lossless=True)
    np.testing.assert_array_equal(decode(data), make_frame())


def test_parse_webp_takes_the_size_of_the_frame_in_an_animation():
    data = riff(canvas(5000, 5000, 2), chunk(b"ANIM", bytes(6)), chunk(b"ANMF", FRAME + IMAGE))
    assert read_size(data) == (SIDE, SIDE)
    assert decode(data).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(
    "data",
    [riff(HUGE), riff(canvas(16384, 16384), HUGE), riff(canvas(8, 8, 2), chunk(b"ANMF", FRAME + HUGE))],
    ids=["simple", "canvas", "animation"],
)
def test_decode_webp_limits_the_size_in_the_bitstream(data):
    with pytest.raises(TooManyPixelsError, match="16384 × 16384"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        riff(canvas(8, 8), HUGE),
        riff(canvas(9, 8), IMAGE),
        riff(canvas(8, 8)),
        riff(chunk(b"XMP ", b""), chunk(b"ANMF", FRAME)),
        riff(chunk(b"ALPH", bytes(80))),
        riff(IMAGE[:-8]),
        riff(IMAGE[:12]),
        riff(IMAGE, size=4),
        riff(canvas(8, 8)[:12]),
        riff(canvas(8, 8), chunk(b"XMP ", b"") * MAX_CHUNKS, IMAGE),
    ],
    ids=["small-canvas", "other-canvas", "canvas-only", "no-frame", "alpha-only", "cut", "cut-header", "riff-size",
         "cut-canvas", "chunks"],
)  # fmt: skip
def test_decode_webp_refuses_damaged_files(data):
    with pytest.raises(ValueError, match=r"^`data` must"):
        decode(data)


def test_parse_webp_writes_a_file_of_the_simple_format():
    assert parse_webp(riff(canvas(8, 8), chunk(b"ICCP", bytes(99)), IMAGE, size=2**32 - 1)).data == riff(IMAGE)
