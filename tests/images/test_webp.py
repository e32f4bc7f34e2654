"""WebP parsing; oracle: the decoder of OpenCV."""

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


def make_riff(*chunks, size=None):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def make_chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def make_canvas(width, height, flags=0):
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return make_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


IMAGE = make_chunk(b"VP8L", make_vp8l())
FRAME = bytes(6) + (SIDE - 1).to_bytes(3, "little") * 2 + bytes(4)
HUGE = make_chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(5))  # 16,384 × 16,384


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"icc_profile": bytes(999)}, {"xmp": bytes(999)}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_decode_webp_modes_and_metadata(mode, options):
    data = save(mode, **options)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_webp_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(lossless=True, exif=exif)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data), expected)


def test_decode_webp_first_frame_of_an_animation():
    other = Image.fromarray(255 - make_frame())
    data = save(save_all=True, append_images=[other], lossless=True)
    np.testing.assert_array_equal(decode(data), make_frame())


def test_parse_webp_frame_size_of_an_animation():
    data = make_riff(make_canvas(5000, 5000, 2), make_chunk(b"ANIM", bytes(6)), make_chunk(b"ANMF", FRAME + IMAGE))
    assert read_size(data) == (SIDE, SIDE)
    assert decode(data).shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(
    "data",
    [
        make_riff(HUGE),
        make_riff(make_canvas(16384, 16384), HUGE),
        make_riff(make_canvas(8, 8, 2), make_chunk(b"ANMF", FRAME + HUGE)),
    ],
    ids=["simple", "canvas", "animation"],
)
def test_decode_webp_limits_the_bitstream_size(data):
    with pytest.raises(TooManyPixelsError, match="16384 × 16384"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        make_riff(make_canvas(8, 8), HUGE),
        make_riff(make_canvas(9, 8), IMAGE),
        make_riff(make_canvas(8, 8)),
        make_riff(make_chunk(b"XMP ", b""), make_chunk(b"ANMF", FRAME)),
        make_riff(make_chunk(b"ALPH", bytes(80))),
        make_riff(IMAGE[:-8]),
        make_riff(IMAGE[:12]),
        make_riff(IMAGE, size=4),
        make_riff(make_canvas(8, 8)[:12]),
        make_riff(make_canvas(8, 8), make_chunk(b"XMP ", b"") * MAX_CHUNKS, IMAGE),
    ],
    ids=["small-canvas", "other-canvas", "canvas-only", "no-frame", "alpha-only", "cut", "cut-header", "riff-size",
         "cut-canvas", "chunks"],
)  # fmt: skip
def test_decode_webp_damaged_files(data):
    with pytest.raises(ValueError, match=r"^`data` must"):
        decode(data)


def test_parse_webp_output_has_the_simple_format():
    assert parse_webp(
        make_riff(make_canvas(8, 8), make_chunk(b"ICCP", bytes(99)), IMAGE, size=2**32 - 1)
    ).data == make_riff(IMAGE)
