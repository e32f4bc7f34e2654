"""TIFF directories, with OpenCV's decoder as the oracle for what must still be shown."""

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


def as_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def usual(**changes):
    """Tags of a grey image of 8 × 8 pixels, one strip; `t256=(type, value)` changes one, `None` leaves it out."""
    tags = {256: (4, 8), 257: (4, 8), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, 0), 277: (3, 1), 279: (4, 64)}
    tags |= {int(name[1:]): change for name, change in changes.items()}
    return [(tag, entry[0], 1, entry[1]) for tag, entry in tags.items() if entry]


def tiled(width, height, **changes):
    size = {"t322": (4, width), "t323": (4, height), "t324": (4, 0), "t325": (4, 64), "t273": None, "t279": None}
    return usual(**{**size, **changes})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_decode_tiff_shows_what_opencv_shows(mode, compression):
    data = save(mode, compression=compression)
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), as_opencv(data))


@pytest.mark.parametrize(("mode", "compression"), [("1", "group4"), ("1", "group3"), ("RGB", "jpeg"), ("L", "jpeg")])
def test_decode_tiff_of_other_compressions(mode, compression):
    data = save(mode, compression=compression)
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), as_opencv(data))


def test_decode_tiff_of_16_bits_and_many_strips():
    pixels = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 50
    data = cv2.imencode(".tif", pixels, [cv2.IMWRITE_TIFF_ROWSPERSTRIP, 3])[1].tobytes()
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), as_opencv(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_tiff_turned_as_its_tag_says(orientation):
    data = save(tiffinfo={274: orientation, 270: "a description"})
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), as_opencv(data))


def test_decode_tiff_in_both_byte_orders():
    little = make_tiff(usual(), bytes(range(64)))
    entries = [struct.unpack_from("<HHII", little, 10 + 12 * number) for number in range(8)]
    table = b"".join(
        struct.pack(">HHI", *entry[:3])
        + struct.pack(">HH" if entry[1] == 3 else ">I", entry[3], *[0] * (entry[1] == 3))
        for entry in entries
    )
    big = b"MM\0*" + struct.pack(">IH", 8, 8) + table + bytes(4) + bytes(range(64))
    np.testing.assert_array_equal(decode(big, kinds=PHOTO), decode(little, kinds=PHOTO))


def test_decode_tiff_shows_the_first_of_several_images():
    others = [Image.fromarray(255 - make_frame())]
    np.testing.assert_array_equal(decode(save(save_all=True, append_images=others), kinds=PHOTO), make_frame())


def test_parse_tiff_drops_tags_that_pixels_do_not_need():
    data = make_tiff([*usual(), (700, 1, 50, 10), (34675, 7, 50, 10), (330, 4, 1, 8), (34665, 4, 1, 8)], bytes(64))
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
def test_parse_tiff_refuses_tags_of_another_form(tag, kind, count):
    entries = [entry if entry[0] != tag else (tag, kind, count, entry[3]) for entry in usual()]
    with pytest.raises(ValueError, match=f"TIFF tag {tag} once in its standard form"):
        parse_tiff(make_tiff(entries))


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 279])
def test_parse_tiff_refuses_tags_that_come_twice(tag):
    entries = usual()
    with pytest.raises(ValueError, match=f"TIFF tag {tag} once in its standard form"):
        parse_tiff(make_tiff([*entries, next(entry for entry in entries if entry[0] == tag)]))


@pytest.mark.parametrize(
    "entries",
    [
        usual(t256=None),
        usual(t273=None),
        usual(t279=None),
        usual(t258=(3, 32)),
        usual(t258=(3, 0)),
        usual(t277=(3, 6)),
        usual(t259=(3, 6)),
        usual(t259=(3, 34712)),
        usual(t278=(4, 0)),
        usual(t278=(4, 4)),
        usual(t284=(3, 2), t277=(3, 3)),
        usual(t279=(4, 2**32 - 1)),
        usual(t322=(4, 16)),
        usual(t323=(4, 16)),
        tiled(0, 16),
        tiled(16, 16, t323=None),
        tiled(2**16, 2**15),
        tiled(16, 2**16),
        tiled(2**31, 2**31),
    ],
    ids=["no-width", "no-offset", "no-length", "32-bits", "0-bits", "6-samples", "old-jpeg", "jpeg-2000", "no-rows",
         "strips", "planes", "beyond", "both-1", "both-2", "no-tile", "half-tile", "large-tile", "high-tile", "huge-tile"],
)  # fmt: skip
def test_decode_tiff_refuses_directories_that_cost_more_than_the_image(entries):
    with pytest.raises(ValueError, match=r"^`data` must "):
        decode(make_tiff(entries), kinds=PHOTO)


def test_parse_tiff_refuses_many_thin_tiles():
    """4,096 tiles of a million pixels each, for one row of pixels."""
    entries = [
        *tiled(16, 62_496, t256=(4, 65_536), t257=(4, 1), t324=None, t325=None),
        (324, 4, 4096, 10),
        (325, 4, 4096, 10),
    ]
    with pytest.raises(ValueError, match="tiles that fit its image"):
        parse_tiff(make_tiff(entries, bytes(40_000)))


def test_decode_tiff_takes_tiles_larger_than_the_image():
    packed = zlib.compress(bytes([7]) * 256 * 256)
    data = make_tiff(tiled(256, 256, t259=(3, 8), t325=(4, len(packed))), packed)
    assert np.unique(decode(data, kinds=PHOTO)).tolist() == [7]


def test_decode_tiff_limits_pixels():
    data = make_tiff(usual(t256=(4, 12_000), t257=(4, 12_000)))
    assert read_size(data, PHOTO) == (12_000, 12_000)
    with pytest.raises(TooManyPixelsError):
        decode(data, kinds=PHOTO)


@pytest.mark.parametrize("jpeg", [make_jpeg(scans=200), make_jpeg(side=64), make_jpeg(frame=0xC9), b"", b"no JPEG"])
def test_parse_tiff_judges_the_jpeg_in_it(jpeg):
    with pytest.raises(ValueError, match=r"^`data` must"):
        decode(make_tiff(usual(t259=(3, 7), t279=(4, len(jpeg))), jpeg), kinds=PHOTO)


@pytest.mark.parametrize(
    "data", [b"II+\0" + bytes(99), b"MM\0+" + bytes(99), b"II*\0", b"II*\0\xff\xff\xff\xff" + bytes(99)]
)
def test_read_size_refuses_bigtiff_and_cut_files(data):
    with pytest.raises(ValueError, match=r"^`data` must be a"):
        read_size(data, PHOTO)
