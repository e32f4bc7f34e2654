"""A file of a picture is checked from its header, and only then decoded."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.pictures.headers import WEB, read_size

# 150 MB in memory. The settings may ask for another number.
MAX_PIXELS = 50_000_000


class TooManyPixelsError(ValueError):
    """A picture is larger than is wanted."""


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
        kinds: what it may be, of `fer_lib.pictures.headers.PHOTO`.
        keep_grey: a grey picture stays one.

    Returns:
        RGB `(h, w, 3)`, or grey `(h, w)` where it may stay so.

    Raises:
        TooManyPixelsError: if it has more.
        ValueError: if it is of no such kind or can't be decoded.
    """
    data = bytes(data)
    width, height = read_size(data, kinds)
    if width * height > max_pixels:
        raise TooManyPixelsError(
            f"`data` must have at most {max_pixels} pixels, but its header says {width} × {height}"
        )
    flag = cv2.IMREAD_ANYCOLOR if keep_grey else cv2.IMREAD_COLOR_RGB
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ValueError(f"`data` must be a picture that is whole, but got {len(data)} bytes that can't be decoded")
    if keep_grey and pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return np.asarray(pixels, np.uint8)
