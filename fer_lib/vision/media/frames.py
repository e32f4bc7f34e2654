"""Convert images to frames: RGB uint8 `(h, w, 3)`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.images.decoding import MAX_PIXELS, decode
from fer_lib.images.headers import WEB

Frame = NDArray[np.uint8]


def as_frame(pixels: Any) -> Frame:
    """Convert pixels to a frame; grey is repeated in three channels, the alpha channel is dropped.

    Args:
        pixels: uint8, `(h, w)`, `(h, w, 1)`, `(h, w, 3)` or `(h, w, 4)`, with at least one pixel.

    Raises:
        TypeError: if it is not an array of uint8.
        ValueError: if its shape is none of these.
    """
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = f"an array of {pixels.dtype}" if isinstance(pixels, np.ndarray) else f"a {type(pixels).__name__}"
        raise TypeError(f"`frame` must be an array of uint8, but got {kind}")
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise ValueError(
            f"`frame` must have the shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), but got {pixels.shape}"
        )
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(pixels if pixels.shape[2] == 3 else pixels[:, :, :3])


def decode_jpeg(
    data: bytes | bytearray | memoryview, max_pixels: int = MAX_PIXELS, kinds: Collection[str] = WEB
) -> Frame:
    """Decode a JPEG, PNG or WebP file to a frame, with its EXIF orientation applied.

    Raises:
        ValueError: if it is not such a file, or has more than `max_pixels`.
    """
    return decode(data, max_pixels, kinds)
