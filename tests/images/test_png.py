"""PNG parsing; oracle: the decoder of OpenCV."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from factories import make_frame
from PIL import Image

from fer_lib.images.decoding import decode
from fer_lib.images.png import MAX_CHUNKS, SPARE_BYTES, UNCHECKED_BYTES, check_pixel_data, decompressed_size, parse_png
from harness.costly_images import costly_images, make_chunk, make_png

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def save(pixels, **options):
    stream = io.BytesIO()
    pixels.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA", "I;16"])
def test_parse_png_removes_other_chunks(mode):
    image = Image.fromarray(make_frame(17, 23))
    image = (
        Image.fromarray(make_frame(17, 23)[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    )
    plain = save(image)
    data = plain[:33] + make_chunk(b"gAMA", bytes(4)) + make_chunk(b"tEXt", b"a\0b") + plain[33:] + bytes(99)
    assert parse_png(data).data == plain
    expected = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data), expected)


def test_parse_png_keeps_transparency():
    image = Image.fromarray(make_frame()[..., 0]).convert("P")
    assert b"tRNS" in parse_png(save(image, transparency=3)).data


@pytest.mark.parametrize("kind", [b"PLTE", b"tRNS"])
def test_parse_png_duplicate_chunks(capfd, kind):
    first, second = make_chunk(kind, bytes(6)), make_chunk(kind, b"\1" * 6)
    data = save(Image.fromarray(make_frame(8, 8)))
    start = data.index(b"IDAT") - 4
    cleaned = parse_png(data[:start] + first + second * 1000 + data[start:]).data
    assert (cleaned.count(first), cleaned.count(second)) == (1, 0)
    assert decode(data[:start] + first + second * 1000 + data[start:]).shape == (8, 8, 3)
    assert len(capfd.readouterr().err) < 100


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_png_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif[0x0112] = orientation
    image = Image.fromarray(make_frame())
    expected = cv2.imdecode(np.frombuffer(save(image, exif=exif), np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(save(image, exif=exif)), expected)


@pytest.mark.parametrize("kind", [b"IHDR", b"CgBI", b"JHDR", b"\0\0\0\0"])
def test_parse_png_unknown_critical_chunks(kind):
    with pytest.raises(ValueError, match=r"^`data` must be a PNG"):
        parse_png(make_png(make_chunk(kind, bytes(13))))


@pytest.mark.parametrize("length", [1, 2**31, 2**32 - 1])
def test_parse_png_length_beyond_the_file(length):
    data = make_png()
    with pytest.raises((ValueError, struct.error)):
        parse_png(data[:33] + struct.pack(">I", length) + data[37:])


def test_parse_png_limits_chunks():
    parse_png(make_png(make_chunk(b"IDAT", b"") * (MAX_CHUNKS - 3)))
    with pytest.raises(ValueError, match=f"at most {MAX_CHUNKS} chunks"):
        parse_png(make_png(make_chunk(b"tEXt", b"") * MAX_CHUNKS))


@pytest.mark.parametrize("name", [name for name in costly_images(("PNG",)) if "longer" in name])
def test_check_pixel_data_too_long(name):
    with pytest.raises(ValueError, match="decompresses to more"):
        check_pixel_data(costly_images(("PNG",))[name])


def test_check_pixel_data_spare_bytes():
    data = save(Image.fromarray(make_frame(400, 1000)))
    assert len(data) > UNCHECKED_BYTES
    row, spare = 3001, SPARE_BYTES // 3001
    for height in (400, 400 - spare):
        check_pixel_data(data[:20] + struct.pack(">I", height) + data[24:])
    with pytest.raises(ValueError, match="decompresses to more"):
        check_pixel_data(data[:20] + struct.pack(">I", 399 - spare) + data[24:])
    assert decompressed_size(data[16:29]) == 400 * row


def test_check_pixel_data_ignores_damaged_data():
    damaged = bytearray(save(Image.fromarray(make_frame(200, 300))))
    damaged[100:110] = bytes(10)
    check_pixel_data(bytes(damaged))


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (5, 9), (8, 8), (33, 17)])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 3), (8, 2), (16, 4), (16, 6)])
def test_decompressed_size_matches_libpng(width, height, depth, colour, interlaced):
    """libpng decodes data of this size, and of interlaced images none that is one byte shorter."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    size = decompressed_size(header)
    palette = make_chunk(b"PLTE", bytes(12)) if colour == 3 else b""

    def decode_zeros(length):
        chunks = make_chunk(b"IHDR", header) + palette + make_chunk(b"IDAT", zlib.compress(bytes(length)))
        data = b"\x89PNG\r\n\x1a\n" + chunks + make_chunk(b"IEND", b"")
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)

    assert decode_zeros(size).shape == (height, width, 3)
    assert decode_zeros(size - 1) is None or not interlaced


@pytest.mark.parametrize(("depth", "colour", "interlaced"), [(3, 0, 0), (8, 1, 0), (8, 5, 0), (8, 2, 2)])
def test_decompressed_size_invalid_headers(depth, colour, interlaced):
    with pytest.raises(ValueError, match="standard colour type"):
        decompressed_size(struct.pack(">IIBBBBB", 8, 8, depth, colour, 0, 0, interlaced))
