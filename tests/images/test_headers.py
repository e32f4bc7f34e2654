"""Image sizes from headers; oracle: Pillow."""

import io

import numpy as np
import pytest
from factories import make_frame
from PIL import Image

from fer_lib.images.headers import read_size


def save(kind, width=37, height=23, mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(make_frame(height, width)).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        save("JPEG"),
        save("JPEG", progressive=True),
        save("JPEG", mode="L"),
        save("JPEG", mode="CMYK"),
        save("JPEG", comment=b"\xff\xc0" * 100, icc_profile=bytes(70000)),
        save("PNG"),
        save("PNG", mode="P"),
        save("WEBP"),
        save("WEBP", lossless=True),
        save("WEBP", mode="RGBA"),
        save("WEBP", save_all=True, append_images=[Image.fromarray(make_frame(23, 37, seed=1))]),
    ],
    ids=["jpeg", "progressive", "grey", "cmyk", "comment", "png", "palette", "webp", "lossless", "alpha", "animated"],
)
def test_read_size_matches_pillow(data):
    assert read_size(data) == Image.open(io.BytesIO(data)).size == (37, 23)


def test_read_size_skips_padding_between_segments():
    data = save("JPEG")
    assert read_size(data[:2] + b"\xff\xff\xff" + data[2:]) == (37, 23)


def test_read_size_large_images():
    assert read_size(save("WEBP", 5000, 2, lossless=True)) == (5000, 2)
    assert read_size(save("PNG", 70000, 1)) == (70000, 1)


@pytest.mark.parametrize("data", [b"", b"BM", b"GIF89a", b"RIFF1234WAVE", b"%PDF-1.7", b"RIFF1234WEBPxxxx"])
def test_read_size_other_formats(data):
    with pytest.raises(ValueError, match="`data` must be"):
        read_size(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_read_size_damaged_files(kind):
    """Truncated files and files with changed bytes result in a size or in a ValueError."""
    data = save(kind)
    rng = np.random.default_rng(0)
    for length in range(min(len(data), 400)):
        damaged = bytearray(data[:length])
        if length:
            damaged[rng.integers(length)] = rng.integers(256)
        try:
            width, height = read_size(bytes(damaged))
        except ValueError:
            continue
        assert width > 0
        assert height > 0
