"""JPEG parsing; oracle: the decoder of OpenCV."""

import io
import struct
import time

import cv2
import numpy as np
import pytest
from factories import make_frame
from PIL import Image

from fer_lib.images.decoding import SCANS_AT_MAX_PIXELS, decode, decode_reduced
from fer_lib.images.jpeg import MAX_SCANS, MAX_SEGMENTS, parse_jpeg
from harness.costly_images import make_frame_header, make_jpeg, make_scan, make_segment


def save(kind="JPEG", mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(make_frame(64, 80)).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def decode_with_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def insert(data, extra):
    return data[:2] + extra + data[2:]


JPEG = save()
THUMBNAIL = make_segment(0xE1, b"Exif\0\0" + save(quality=5)[:60_000])
METADATA = (
    make_segment(0xE2, b"MPF\0" + JPEG[:60_000]) + make_segment(0xED, bytes(60_000)) + make_segment(0xFE, JPEG[:60_000])
)


@pytest.mark.parametrize(
    ("data", "scans"),
    [
        (JPEG, 1),
        (save(progressive=True), 10),
        (save(progressive=True, mode="L"), 6),
        (save(mode="CMYK"), 1),
        (save(mode="CMYK", progressive=True), 18),
        (save(keep_rgb=True), 1),
        (save(restart_marker_blocks=1), 1),
        (save("MPO", save_all=True, append_images=[Image.fromarray(make_frame())] * 3), 1),
        (insert(JPEG, THUMBNAIL), 1),
        (insert(JPEG, METADATA * 30), 1),
        (insert(JPEG, b"\xff\xff\xff"), 1),
        (JPEG + save(progressive=True), 1),
        (JPEG + make_scan() * 300, 1),
    ],
    ids=["baseline", "progressive", "progressive-grey", "cmyk", "progressive-cmyk", "rgb", "restarts", "mpo", "thumbnail",
         "metadata", "fill-bytes", "concatenated", "scans-after-end"],
)  # fmt: skip
def test_parse_jpeg_valid_files_decode_as_with_opencv(data, scans):
    image = parse_jpeg(data)
    assert (image.width, image.height, image.scans) == (80, 64, scans)
    np.testing.assert_array_equal(decode(data), decode_with_opencv(data))
    assert parse_jpeg(image.data) == image


def test_parse_jpeg_removes_metadata():
    assert parse_jpeg(insert(JPEG, METADATA * 30)).data == parse_jpeg(JPEG).data


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_parse_jpeg_truncated_scan(share):
    data = save(progressive=True)
    truncated = data[: int(len(data) * share)]
    assert truncated.endswith(parse_jpeg(truncated).data[-200:])


def test_parse_jpeg_limits_scans():
    assert parse_jpeg(make_jpeg(scans=MAX_SCANS)).scans == MAX_SCANS
    with pytest.raises(ValueError, match=f"at most {MAX_SCANS} scans"):
        parse_jpeg(make_jpeg(scans=MAX_SCANS + 1))


@pytest.mark.parametrize(
    "between",
    [
        b"\xff" * 5,
        b"\xff\0\xff\xd0\xff\xd7\xff\x01",
        b"\xff\x02\xff\xbf",
        b"\xff\xff\0\xd8\xda",
        make_segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xff"),
        make_segment(0xFE, b"\xff\xd9"),
        make_segment(0xDC, b"\0\x08"),
        make_segment(0xE1, b"\xff"),
        b"\xff" + make_segment(0xE1, b""),
    ],
    ids=["fill", "restarts", "reserved", "stuffed", "table", "comment", "dnl", "app1", "fill-app1"],
)
def test_parse_jpeg_counts_scans_behind_other_bytes(between):
    image = parse_jpeg(make_jpeg(scans=20, before_scan=between))
    assert image.scans == 20
    assert parse_jpeg(image.data) == image


def test_parse_jpeg_removed_segment_forms_no_marker():
    hidden = b"\xff" + make_segment(0xFE, b"") + make_scan()[1:]
    image = parse_jpeg(make_jpeg(tail=hidden * 10))
    assert image.scans == parse_jpeg(image.data).scans == 1
    assert b"\xff\xda" not in image.data[image.data.index(b"\xff\xda") + 2 :]


def test_parse_jpeg_limits_segments():
    with pytest.raises(ValueError, match=f"at most {MAX_SEGMENTS} segments"):
        parse_jpeg(make_jpeg(tail=make_segment(0xFE, b"") * MAX_SEGMENTS))


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_parse_jpeg_unsupported_codings(marker):
    with pytest.raises(ValueError, match=f"marker 0x{marker:02X}"):
        parse_jpeg(make_jpeg(frame=marker))


@pytest.mark.parametrize(
    "data",
    [
        make_jpeg(before_scan=make_frame_header()),
        make_jpeg(before_scan=b"\xff\xd8"),
        insert(make_jpeg(), make_scan()),
        insert(make_jpeg(), b"\xff\xc4\0\1"),
        insert(make_jpeg(), b"\0\0"),
        make_jpeg().replace(b"\xff\xc2\0\x0b\x08", b"\xff\xc2\0\x0b\x0c"),
        b"\xff\xd8\xff\xd9",
    ],
    ids=["two-frames", "second-start", "scan-first", "short-segment", "garbage", "12-bits", "nothing"],
)
def test_parse_jpeg_damaged_headers(data):
    with pytest.raises(ValueError, match=r"^`data` must be a"):
        parse_jpeg(data)


def test_decode_limits_scans_times_pixels():
    data = make_jpeg(scans=2 * SCANS_AT_MAX_PIXELS, side=64)
    assert decode(data, max_pixels=2 * 64 * 64).shape == (64, 64, 3)
    for read in (lambda: decode(data, max_pixels=64 * 64), lambda: decode_reduced(data, 640, max_pixels=64 * 64)):
        with pytest.raises(ValueError, match=f"at most {SCANS_AT_MAX_PIXELS} scans for its size"):
            read()


@pytest.mark.parametrize("filling", [b"\xff\0", b"\xff", b"\xff\xd0", b"\xff\x02", b"a"])
def test_parse_jpeg_long_scans_are_fast(filling):
    data = make_jpeg(tail=filling * (8_000_000 // len(filling)))
    began = time.process_time()
    assert parse_jpeg(data).scans == 1
    assert time.process_time() - began < 0.5  # 0.07 s; a Python loop over the bytes takes longer


# Byte sequences that influence where a decoder finds the next marker.
PIECES = [
    b"\xff", b"\xff\xff", b"\0", b"\xff\0", b"\xff\x01", b"\xff\x02", b"\xff\xbf", b"\xff\xd0", b"\xff\xd1", b"\xff\xfe\0\2",
    b"\xff\xfe\0\4", b"\xff\xfe\xff\xff", b"\xff\xe1\0\x03", b"\xff\xe1\0\x08Exif\0\0", b"\xff\xee\0\x03", b"\xff\xdd\0\4\0\1",
    b"\xff\xdc\0\4\0\x08", b"\xff\xc4\0\2", b"\xff\xfe", b"\xda", b"\xff\xda", b"a", b"\xff\xf0",
]  # fmt: skip


@pytest.mark.parametrize("restarts", [False, True])
def test_parse_jpeg_counts_every_decoded_scan(restarts):
    """A second scan behind random bytes changes the pixels; where it did, it must have been counted."""
    tables = make_segment(0xDB, b"\0" + b"\x40" * 64) + make_segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0")
    tables += make_segment(0xDD, b"\0\1") if restarts else b""
    first = make_segment(0xDA, bytes([1, 1, 0, 0, 0, 1])) + b"\x7f"
    second = make_segment(0xDA, bytes([1, 1, 0, 0, 0, 0x10])) + b"\xff\0"
    begin, end = b"\xff\xd8" + tables + make_frame_header() + first, b"\xff\xd9"
    without, plain = decode_with_opencv(begin + end), decode_with_opencv(begin + second + end)
    assert (without != plain).all()
    rng = np.random.default_rng(0)
    decoded_scans = 0
    for _ in range(1000):
        between = b"".join(PIECES[index] for index in rng.integers(len(PIECES), size=rng.integers(1, 7)))
        try:
            image = parse_jpeg(begin + between + second + end)
        except (ValueError, struct.error):
            continue
        pixels = decode_with_opencv(image.data)
        if pixels is not None and (pixels == plain).all():
            decoded_scans += 1
            assert image.scans >= 2
    assert decoded_scans > 100
