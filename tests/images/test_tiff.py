"""TIFF parsing; oracle: the decoder of OpenCV."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from factories import make_frame
from PIL import Image

from fer_lib.images.decoding import TooManyPixelsError, decode
from fer_lib.images.headers import PHOTO, read_size
from fer_lib.images.tiff import parse_tiff
from harness.costly_images import make_jpeg, make_tiff

MODES = ("RGB", "L", "1", "P", "CMYK", "RGBA", "LA")


def save(mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(make_frame()).convert(mode).save(stream, "TIFF", **options)
    return stream.getvalue()


def decode_with_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def make_tags(**changes):
    """Make the tags of a grey image of 8 × 8 pixels in one strip; `t256=(type, value)` changes a tag, `None` omits it."""
    tags = {256: (4, 8), 257: (4, 8), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, 0), 277: (3, 1), 279: (4, 64)}
    tags |= {int(name[1:]): change for name, change in changes.items()}
    return [(tag, entry[0], 1, entry[1]) for tag, entry in tags.items() if entry]


def make_tiled_tags(width, height, **changes):
    size = {"t322": (4, width), "t323": (4, height), "t324": (4, 0), "t325": (4, 64), "t273": None, "t279": None}
    return make_tags(**{**size, **changes})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_decode_tiff_modes_and_compressions(mode, compression):
    data = save(mode, compression=compression)
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), decode_with_opencv(data))


@pytest.mark.parametrize(("mode", "compression"), [("1", "group4"), ("1", "group3"), ("RGB", "jpeg"), ("L", "jpeg")])
def test_decode_tiff_fax_and_jpeg_compression(mode, compression):
    data = save(mode, compression=compression)
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), decode_with_opencv(data))


def test_decode_tiff_16_bits_many_strips():
    pixels = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 50
    data = cv2.imencode(".tif", pixels, [cv2.IMWRITE_TIFF_ROWSPERSTRIP, 3])[1].tobytes()
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), decode_with_opencv(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_tiff_orientation(orientation):
    data = save(tiffinfo={274: orientation, 270: "a description"})
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), decode_with_opencv(data))


def test_decode_tiff_byte_orders():
    little = make_tiff(make_tags(), bytes(range(64)))
    entries = [struct.unpack_from("<HHII", little, 10 + 12 * number) for number in range(8)]
    table = b"".join(
        struct.pack(">HHI", *entry[:3])
        + struct.pack(">HH" if entry[1] == 3 else ">I", entry[3], *[0] * (entry[1] == 3))
        for entry in entries
    )
    big = b"MM\0*" + struct.pack(">IH", 8, 8) + table + bytes(4) + bytes(range(64))
    np.testing.assert_array_equal(decode(big, kinds=PHOTO), decode(little, kinds=PHOTO))


def test_decode_tiff_first_of_several_images():
    others = [Image.fromarray(255 - make_frame())]
    np.testing.assert_array_equal(decode(save(save_all=True, append_images=others), kinds=PHOTO), make_frame())


def test_parse_tiff_removes_other_tags():
    data = make_tiff([*make_tags(), (700, 1, 50, 10), (34675, 7, 50, 10), (330, 4, 1, 8), (34665, 4, 1, 8)], bytes(64))
    image = parse_tiff(data)
    (start,) = struct.unpack_from("<I", image.data, 4)
    (count,) = struct.unpack_from("<H", image.data, start)
    tags = [struct.unpack_from("<H", image.data, start + 2 + 12 * number)[0] for number in range(count)]
    assert tags == [256, 257, 258, 259, 262, 273, 277, 279]
    assert image.data.endswith(bytes(4))
    assert parse_tiff(image.data).data[start:] != b""


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 279])
@pytest.mark.parametrize(
    ("kind", "count"), [(1, 1), (2, 1), (5, 1), (9, 1), (11, 1), (12, 1), (16, 1), (3, 0), (4, 10**9)]
)
def test_parse_tiff_wrong_type_or_count(tag, kind, count):
    entries = [entry if entry[0] != tag else (tag, kind, count, entry[3]) for entry in make_tags()]
    with pytest.raises(ValueError, match=f"TIFF tag {tag} once in its standard form"):
        parse_tiff(make_tiff(entries))


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 279])
def test_parse_tiff_duplicate_tags(tag):
    entries = make_tags()
    with pytest.raises(ValueError, match=f"TIFF tag {tag} once in its standard form"):
        parse_tiff(make_tiff([*entries, next(entry for entry in entries if entry[0] == tag)]))


@pytest.mark.parametrize(
    "entries",
    [
        make_tags(t256=None),
        make_tags(t273=None),
        make_tags(t279=None),
        make_tags(t258=(3, 32)),
        make_tags(t258=(3, 0)),
        make_tags(t277=(3, 6)),
        make_tags(t259=(3, 6)),
        make_tags(t259=(3, 34712)),
        make_tags(t278=(4, 0)),
        make_tags(t278=(4, 4)),
        make_tags(t284=(3, 2), t277=(3, 3)),
        make_tags(t279=(4, 2**32 - 1)),
        make_tags(t322=(4, 16)),
        make_tags(t323=(4, 16)),
        make_tiled_tags(0, 16),
        make_tiled_tags(16, 16, t323=None),
        make_tiled_tags(2**16, 2**15),
        make_tiled_tags(16, 2**16),
        make_tiled_tags(2**31, 2**31),
    ],
    ids=["no-width", "no-offset", "no-length", "32-bits", "0-bits", "6-samples", "old-jpeg", "jpeg-2000", "no-rows",
         "strips", "planes", "beyond", "both-1", "both-2", "no-tile", "half-tile", "large-tile", "high-tile", "huge-tile"],
)  # fmt: skip
def test_decode_tiff_invalid_directories(entries):
    with pytest.raises(ValueError, match=r"^`data` must "):
        decode(make_tiff(entries), kinds=PHOTO)


def test_parse_tiff_many_thin_tiles():
    """4,096 tiles of a million pixels each for an image of one row."""
    entries = [
        *make_tiled_tags(16, 62_496, t256=(4, 65_536), t257=(4, 1), t324=None, t325=None),
        (324, 4, 4096, 10),
        (325, 4, 4096, 10),
    ]
    with pytest.raises(ValueError, match="tiles that fit its image"):
        parse_tiff(make_tiff(entries, bytes(40_000)))


def test_decode_tiff_tile_larger_than_the_image():
    compressed = zlib.compress(bytes([7]) * 256 * 256)
    data = make_tiff(make_tiled_tags(256, 256, t259=(3, 8), t325=(4, len(compressed))), compressed)
    assert np.unique(decode(data, kinds=PHOTO)).tolist() == [7]


def test_decode_tiff_limits_pixels():
    data = make_tiff(make_tags(t256=(4, 12_000), t257=(4, 12_000)))
    assert read_size(data, PHOTO) == (12_000, 12_000)
    with pytest.raises(TooManyPixelsError):
        decode(data, kinds=PHOTO)


@pytest.mark.parametrize("jpeg", [make_jpeg(scans=200), make_jpeg(side=64), make_jpeg(frame=0xC9), b"", b"no JPEG"])
def test_decode_tiff_damaged_jpeg_strip(jpeg):
    with pytest.raises(ValueError, match=r"^`data` must"):
        decode(make_tiff(make_tags(t259=(3, 7), t279=(4, len(jpeg))), jpeg), kinds=PHOTO)


@pytest.mark.parametrize(
    "data", [b"II+\0" + bytes(99), b"MM\0+" + bytes(99), b"II*\0", b"II*\0\xff\xff\xff\xff" + bytes(99)]
)
def test_read_size_bigtiff_and_truncated_tiff(data):
    with pytest.raises(ValueError, match=r"^`data` must be a"):
        read_size(data, PHOTO)
