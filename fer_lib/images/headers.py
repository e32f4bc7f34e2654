"""Parse untrusted image files without decoding: format, size, and the data that the decoder needs.

A file of a few bytes may claim 20,000 × 20,000 pixels (decompression bomb), which need gigabytes when decoded; another
file takes minutes because of its metadata. Therefore every file is parsed here before a decoder reads it.
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

# Formats of cameras, browsers and phones. Only these are accepted from the network, to limit the attack surface.
WEB = ("JPEG", "PNG", "WebP")
# Formats of photos on the local disk.
PHOTO = (*WEB, "TIFF", "BMP")
# Checks that take time themselves, therefore made after the check of the size.
_CHECKS = {"PNG": check_pixel_data, "WebP": check_bitstream}
_PARSERS = {"JPEG": parse_jpeg, "PNG": parse_png, "WebP": parse_webp, "TIFF": parse_tiff, "BMP": parse_bmp}


def parse_image_file(data: bytes, kinds: Collection[str] = WEB) -> ImageFile:
    """Parse an image file without decoding it.

    Args:
        data: content of the file.
        kinds: permitted formats, out of `PHOTO`.

    Raises:
        ValueError: if it has another format, is damaged, or costs a decoder more than its pixels do.
    """
    kind = _detect_format(data)
    if kind not in kinds:
        allowed = f"{', '.join(list(kinds)[:-1])} or {list(kinds)[-1]}"
        raise ValueError(f"`data` must be a {allowed} file, but got {len(data)} bytes of another format")
    with _refuse_truncated(data):
        image = _PARSERS[kind](data)
    if image.width < 1 or image.height < 1:
        raise ValueError(f"`data` must have at least one pixel, but got {image.width} × {image.height}")
    return image


def check_decoding_cost(image: ImageFile) -> None:
    """Check that decoding an image of a permitted size does not cost more than its pixels do.

    Raises:
        ValueError: if it does.
    """
    check = _CHECKS.get(_detect_format(image.data))
    if check:
        with _refuse_truncated(image.data):
            check(image.data)


@contextmanager
def _refuse_truncated(data: bytes) -> Iterator[None]:
    try:
        yield
    except (struct.error, IndexError):
        raise ValueError(f"`data` must be a complete file, but its header ends after {len(data)} bytes") from None


def read_size(data: bytes, kinds: Collection[str] = WEB) -> tuple[int, int]:
    """Return width and height in pixels, before EXIF orientation; raises the errors of `parse_image_file`."""
    image = parse_image_file(data, kinds)
    return image.width, image.height


def _detect_format(data: bytes) -> str:
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(SIGNATURE) and data[12:16] == b"IHDR":
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return "BMP" if data.startswith(b"BM") else ""
