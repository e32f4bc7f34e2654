"""Which kind of image file it is, how large the image is, and what of the file the decoder needs: nothing is decoded.

A file of a few bytes may claim to hold 20,000 × 20,000 pixels, and decoding it would need gigabytes; another one costs
minutes for its metadata. Untrusted files are parsed here first.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fer_lib.images.bmp import parse_bmp
from fer_lib.images.image_file import ImageFile
from fer_lib.images.jpeg import parse_jpeg
from fer_lib.images.png import SIGNATURE, check_pixel_data, parse_png
from fer_lib.images.tiff import parse_tiff
from fer_lib.images.webp import check_bitstream, parse_webp

# What cameras, browsers and phones write. Only these are taken from strangers: every decoder more is one more to trust.
WEB = ("JPEG", "PNG", "WebP")
# And what photos on one's own disk may be.
PHOTO = (*WEB, "TIFF", "BMP")
# What takes time itself, and is done for images of a wanted size only.
_CHECKS = {"PNG": check_pixel_data, "WebP": check_bitstream}
_PARSERS = {"JPEG": parse_jpeg, "PNG": parse_png, "WebP": parse_webp, "TIFF": parse_tiff, "BMP": parse_bmp}


def parse_image_file(data: bytes, kinds: Collection[str] = WEB) -> ImageFile:
    """Parse an image file without decoding it.

    Args:
        data: the file.
        kinds: which it may be, of `PHOTO`.

    Raises:
        ValueError: if it is none of these, or damaged, or costs a decoder more than its pixels do.
    """
    kind = _find_kind(data)
    if kind not in kinds:
        allowed = f"{', '.join(list(kinds)[:-1])} or {list(kinds)[-1]}"
        raise ValueError(f"`data` must be a {allowed} file, but got {len(data)} bytes of something else")
    with _refusing_cut_files(data):
        image = _PARSERS[kind](data)
    if image.width < 1 or image.height < 1:
        raise ValueError(f"`data` must hold pixels, but its header says {image.width} × {image.height}")
    return image


def check_decoding_cost(image: ImageFile) -> None:
    """Refuse an image of a permitted size that costs a decoder more than its pixels do.

    Raises:
        ValueError: if it does.
    """
    check = _CHECKS.get(_find_kind(image.data))
    if check:
        with _refusing_cut_files(image.data):
            check(image.data)


@contextmanager
def _refusing_cut_files(data: bytes) -> Iterator[None]:
    try:
        yield
    except (struct.error, IndexError):
        raise ValueError(f"`data` must be a whole file, but its header ends after {len(data)} bytes") from None


def read_size(data: bytes, kinds: Collection[str] = WEB) -> tuple[int, int]:
    """Return width and height in pixels, before any turning by EXIF; errors are those of `parse_image_file`."""
    image = parse_image_file(data, kinds)
    return image.width, image.height


def _find_kind(data: bytes) -> str:
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(SIGNATURE) and data[12:16] == b"IHDR":
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return "BMP" if data.startswith(b"BM") else ""
