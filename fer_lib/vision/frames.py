"""Pictures of any kind become frames: RGB, uint8, `(h, w, 3)`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.vision.headers import read_size

Frame = NDArray[np.uint8]

# How OpenCV is asked to decode a JPEG at a part of its size: the transform of its blocks gives that almost for free.
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_COLOR_RGB,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4 | cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2 | cv2.IMREAD_COLOR_RGB,
}


def as_frame(pixels: Any) -> Frame:
    """Return pixels as a frame; grey is repeated in three channels, transparency is dropped.

    Args:
        pixels: uint8, `(h, w)`, `(h, w, 1)`, `(h, w, 3)` or `(h, w, 4)`, at least one pixel.

    Raises:
        TypeError: if it is no array of uint8.
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


def decode_jpeg(data: bytes | bytearray | memoryview) -> Frame:
    """Decode a JPEG, or any other picture that OpenCV reads, as a frame; it is turned as its EXIF entry says.

    Raises:
        ValueError: if it is no picture.
    """
    return _decode(data, cv2.IMREAD_COLOR_RGB)


def decode_reduced(data: bytes | bytearray | memoryview, side: int) -> tuple[Frame, NDArray[np.float32]]:
    """Decode a picture no larger than needed: a large JPEG at a half, a quarter or an eighth of its size.

    Args:
        data: as `decode_jpeg` takes it.
        side: the least length of the longer side of the frame, in pixels, if the picture has it.

    Returns:
        The frame, and how many pixels of the picture one of its pixels stands for, `(2,)` as x and y.

    Raises:
        ValueError: if it is no picture.
    """
    part, size = _find_part(bytes(data), side)
    if part == 1:
        return _decode(data, cv2.IMREAD_COLOR_RGB), np.ones(2, np.float32)
    frame = _decode(data, _REDUCED[part])
    height, width = frame.shape[:2]
    was_turned = (size[0] > size[1]) != (width > height)  # by its EXIF entry, of which the size does not know
    whole = size[::-1] if was_turned else size
    return frame, np.array([whole[0] / width, whole[1] / height], np.float32)


def _find_part(data: bytes, side: int) -> tuple[int, tuple[int, int]]:
    """Return by how much a picture may be reduced, and its width and height; 1 for what is no JPEG or has a bad header."""
    try:
        size = read_size(data) if data.startswith(b"\xff\xd8") else (0, 0)
    except ValueError:
        return 1, (0, 0)
    return next((part for part in _REDUCED if max(size) >= part * side), 1), size


def _decode(data: bytes | bytearray | memoryview, how: int) -> Frame:
    buffer = np.frombuffer(data, np.uint8)
    try:
        frame = cv2.imdecode(buffer, how) if buffer.size else None
    except cv2.error:
        frame = None
    if frame is None:
        raise ValueError(f"`data` must be a picture (JPEG, PNG, …), but got {buffer.size} bytes that can't be decoded")
    return np.asarray(frame, np.uint8)
