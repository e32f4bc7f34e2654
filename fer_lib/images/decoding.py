"""An image file is parsed and checked, and only what its pixels need is decoded."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.images.exif import apply_orientation
from fer_lib.images.headers import WEB, check_decoding_cost, parse_image_file
from fer_lib.images.image_file import ImageFile
from fer_lib.images.silence import silent_opencv

# How OpenCV is asked to decode a JPEG at a part of its size: the transform of its blocks gives that almost for free.
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_COLOR_RGB,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4 | cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2 | cv2.IMREAD_COLOR_RGB,
}
# 150 MB of pixels; decoders need up to 580 MB for them. The settings may ask for another number.
MAX_PIXELS = 50_000_000
# Passes of a JPEG decoder over an image of the largest size; smaller ones may have more.
SCANS_AT_MAX_PIXELS = 30


class TooManyPixelsError(ValueError):
    """A picture is larger than is wanted.

    Attributes:
        width: as its header says, in pixels.
        height: the same.
    """

    def __init__(self, width: int, height: int, most: int) -> None:
        super().__init__(f"`data` must have at most {most} pixels, but its header says {width} × {height}")
        self.width, self.height = width, height


def decode(
    data: bytes | bytearray | memoryview,
    max_pixels: int = MAX_PIXELS,
    kinds: Collection[str] = WEB,
    keep_grey: bool = False,
) -> NDArray[np.uint8]:
    """Decode a picture, turned as its EXIF entry says; of an animation the first frame, of 16 bits the upper eight.

    Args:
        data: the file, in a piece of its own.
        max_pixels: the most that are decoded; more are refused from the header alone.
        kinds: what it may be, of `fer_lib.images.headers.PHOTO`.
        keep_grey: a grey picture stays one.

    Returns:
        RGB `(h, w, 3)`, or grey `(h, w)` where it may stay so.

    Raises:
        TooManyPixelsError: if it has more.
        ValueError: if it is of no such kind or can't be decoded.
    """
    image = _parse(data, max_pixels, kinds)
    pixels = _decode(image, cv2.IMREAD_ANYCOLOR if keep_grey else cv2.IMREAD_COLOR_RGB)
    if keep_grey and pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    return pixels


def decode_reduced(
    data: bytes | bytearray | memoryview, side: int, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Decode a picture no larger than needed: a large JPEG at a half, a quarter or an eighth of its size.

    Args:
        data: a JPEG, PNG or WebP file, in a piece of its own.
        side: the least length of the longer side of what is returned, in pixels, if the picture has it.
        max_pixels: the most that the whole picture may have.

    Returns:
        RGB `(h, w, 3)`, and how many pixels of the picture one of its pixels stands for, `(2,)` as x and y.

    Raises:
        TooManyPixelsError: if it has more.
        ValueError: if it is of no such kind or can't be decoded.
    """
    image = _parse(data, max_pixels, WEB)
    parts = _REDUCED if image.data.startswith(b"\xff\xd8") else ()
    part = next((part for part in parts if max(image.width, image.height) >= part * side), 1)
    pixels = _decode(image, _REDUCED.get(part, cv2.IMREAD_COLOR_RGB))
    height, width = pixels.shape[:2]
    whole = (image.height, image.width) if image.orientation >= 5 else (image.width, image.height)
    return pixels, np.array([whole[0] / width, whole[1] / height], np.float32)


def _parse(data: bytes | bytearray | memoryview, max_pixels: int, kinds: Collection[str]) -> ImageFile:
    image = parse_image_file(bytes(data), kinds)
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise TooManyPixelsError(image.width, image.height, max_pixels)
    if image.scans * pixels > SCANS_AT_MAX_PIXELS * max_pixels:
        most = SCANS_AT_MAX_PIXELS * max_pixels // pixels
        found = f"{image.scans} scans of {image.width} × {image.height} pixels"
        raise ValueError(f"`data` must have at most {most} scans for its size, but it has {found}")
    check_decoding_cost(image)
    return image


def _decode(image: ImageFile, flag: int) -> NDArray[np.uint8]:
    try:
        with silent_opencv():
            pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        size = f"{image.width} × {image.height} pixels"
        raise ValueError(f"`data` must be an image file that is whole, but its {size} can't be decoded")
    return apply_orientation(np.asarray(pixels, np.uint8), image.orientation)
