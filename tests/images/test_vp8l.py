"""Prefix-code groups of lossless WebP; oracle: the encoder of libwebp."""

import io
import struct
import time

import numpy as np
import pytest
from factories import make_frame, make_portrait
from PIL import Image

from fer_lib.images.decoding import decode
from fer_lib.images.vp8l import MAX_GROUPS, MAX_TRANSFORM_PIXELS, check_groups, count_groups
from harness.costly_images import make_vp8l, make_vp8l_of_groups, make_webp


def save(frame, **options):
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "WEBP", lossless=True, **options)
    return stream.getvalue()


def make_transform(kind, size_bits, tail="", side=16_383):
    """Make the beginning of a bitstream with one transform, whose blocks have sides of 2 ** (`size_bits` + 2) pixels."""
    bits = f"{side - 1:014b}"[::-1] * 2 + "0000" + "1" + f"{kind:02b}"[::-1] + f"{size_bits:03b}"[::-1] + tail
    return b"\x2f" + int(bits[::-1], 2).to_bytes(len(bits) // 8 + 20, "little")


@pytest.mark.parametrize("method", [0, 4, 6])
@pytest.mark.parametrize("quality", [0, 50, 90])
@pytest.mark.parametrize(
    "frame",
    [
        make_portrait(120),
        make_frame(),
        np.zeros((50, 70, 3), np.uint8),
        make_portrait() // 64 * 64,
        make_portrait(60) // 128,
    ],
    ids=["portrait", "noise", "black", "few-colours", "two-colours"],
)
def test_decode_lossless_webp(frame, quality, method):
    data = save(frame, quality=quality, method=method)
    assert 1 <= count_groups(data[20:]) <= 2600
    np.testing.assert_array_equal(decode(data), frame)


@pytest.mark.parametrize(("side", "groups", "blocks"), [(4, 1, 1), (9, 3, 9), (64, 256, 256), (216, 2916, 2916)])
def test_count_groups_equals_entropy_image_size(side, groups, blocks):
    stream = make_vp8l_of_groups(side, groups)
    assert count_groups(stream) == blocks
    assert not decode(make_webp(stream)).any()


def test_check_groups_limit():
    check_groups(make_vp8l())
    with pytest.raises(ValueError, match=f"at most {MAX_GROUPS} pixels, but it has 3025"):
        check_groups(make_vp8l_of_groups(220, 1))


@pytest.mark.parametrize("kind", [0, 1])
def test_count_groups_limits_transforms(kind):
    with pytest.raises(ValueError, match=f"at most {MAX_TRANSFORM_PIXELS} blocks"):
        count_groups(make_transform(kind, 0))


def test_count_groups_transform_of_one_symbol():
    assert count_groups(make_transform(0, 4, "0" + "1000" * 5 + "0" + "0" + "0")) == 1


@pytest.mark.parametrize(
    "tail",
    ["0" + "1000" * 5 + "1" + "00" + "111", "0" + "0" + "0000" + "000" * 4, "0" + "0" + "1111" + "001" * 19 + "0" * 9],
    ids=["same-transform-twice", "no-code", "incomplete-code"],
)
def test_count_groups_damaged_streams(tail):
    with pytest.raises((ValueError, struct.error)):
        count_groups(make_transform(0, 4, tail))


def test_count_groups_truncated_and_changed_streams():
    data = save(make_portrait(200))[20:]
    rng = np.random.default_rng(0)
    began = time.process_time()
    for length in range(6, 600, 7):
        changed = bytearray(data[: length * 3])
        changed[rng.integers(5, length)] = rng.integers(256)
        for stream in (data[:length], bytes(changed)):
            try:
                assert count_groups(stream) >= 1
            except (ValueError, struct.error, IndexError):
                continue
    assert time.process_time() - began < 5
