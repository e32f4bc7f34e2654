"""A frame and its boxes become network input, for training and for life alike.

What is cut, how large, in which colour and how it is scaled to numbers is a `CropSpec`. Training writes
it into the card of the weights and the live page reads it from there, so the two can't drift apart.
OpenCV is used here, outside its room, for exactly that reason: training and the live page must resize
and grey pixels with the same code.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, box_centers, box_sizes

Pixels = NDArray[np.uint8]
# The least and the largest value of each number of a `CropSpec`: a card may come from others, and a size is memory.
RANGES: dict[str, tuple[float, float]] = {
    "size": (1, 1024),
    "scale": (0.01, 4),
    "shift_y": (-1, 1),
    "detail": (0, 1024),
    "mean": (-10, 10),
    "std": (0.001, 10),
}


@dataclass(frozen=True)
class CropSpec:
    """How a face becomes network input.

    Attributes:
        size: side of the square input in pixels; the ranges of all numbers are in `RANGES`.
        color: `grey` (one channel) or `rgb` (three).
        scale: side of the square that is cut, as a multiple of the longer side of the detected box.
        shift_y: how far the square's centre lies below the box's centre, as a multiple of the same side.
        detail: side in pixels to which a larger face is reduced before it gets `size`, so that a sharp
            camera shows the network no more detail than its training images had; 0 for no limit.
        mean: subtracted from values in [0, 1].
        std: divides them afterwards.
    """

    size: int
    color: Literal["grey", "rgb"] = "grey"
    scale: float = 1.0
    shift_y: float = 0.0
    detail: int = 0
    mean: float = 0.5
    std: float = 0.25

    def __post_init__(self) -> None:
        if self.color not in ("grey", "rgb"):
            raise ValueError(f"`color` must be grey or rgb, but got {self.color!r}")
        for name, (low, high) in RANGES.items():
            check_number(name, getattr(self, name), low, high, whole=name in ("size", "detail"))

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.color == "grey" else 3

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in a card."""
        return asdict(self)


def check_number(name: str, value: object, low: float, high: float, whole: bool = False) -> None:
    """Make sure that a value of a card is a number within its range, both ends included.

    Raises:
        TypeError: if it is no number, or not a whole one where it must be.
        ValueError: if it is out of range, infinite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise TypeError(f"`{name}` must be a {'whole ' * whole}number, but got {str(value)[:40]!r}")
    if not low <= value <= high:
        shown = f"{value:.6g}" if isinstance(value, float) else f"a whole number of {value.bit_length()} bits"
        raise ValueError(f"`{name}` must be from {low} to {high}, but got {shown}")


def crop_faces(frame: Pixels, xyxy: Boxes, spec: CropSpec) -> Pixels:
    """Cut every box out of a frame, as squares of one size.

    Args:
        frame: `(h, w, 3)` RGB or `(h, w)` grey.
        xyxy: `(n, 4)` boxes in pixels; parts outside the frame repeat its border.
        spec: what to cut.

    Returns:
        `(n, size, size, channels)` uint8; `n = 0` gives an array without rows.
    """
    crops = np.empty((len(xyxy), spec.size, spec.size, spec.channels), np.uint8)
    for crop, box in zip(crops, crop_squares(xyxy, spec), strict=True):
        crop[:] = resize_face(_cut(frame, box), spec)
    return crops


def crop_squares(xyxy: Boxes, spec: CropSpec) -> NDArray[np.int64]:
    """Return the whole-pixel squares that `crop_faces` cuts, `(n, 4)`; they may leave the frame."""
    side = np.maximum(np.rint(box_sizes(xyxy).max(axis=1) * spec.scale), 1)
    centers = box_centers(xyxy)
    centers[:, 1] += spec.shift_y * box_sizes(xyxy).max(axis=1)
    low = np.rint(centers - side[:, None] / 2)
    return np.hstack([low, low + side[:, None]]).astype(np.int64)


def resize_face(face: Pixels, spec: CropSpec) -> Pixels:
    """Bring one cut-out face, `(h, w[, 3])`, to `(size, size, channels)` in the colour of `spec`."""
    pixels = _recolor(face, spec.color)
    if spec.detail and max(pixels.shape[:2]) > spec.detail:
        pixels = _resize(pixels, spec.detail)
    return _resize(pixels, spec.size).reshape(spec.size, spec.size, spec.channels)


def normalize_crops(crops: Pixels, spec: CropSpec) -> NDArray[np.float32]:
    """Turn `(n, size, size, channels)` uint8 into network input `(n, channels, size, size)` float32."""
    scaled = crops.transpose(0, 3, 1, 2).astype(np.float32)
    scaled *= 1 / (255 * spec.std)
    scaled -= spec.mean / spec.std
    return np.ascontiguousarray(scaled)


def _cut(frame: Pixels, square: NDArray[np.int64]) -> Pixels:
    height, width = frame.shape[:2]
    x1, y1, x2, y2 = (int(v) for v in square)
    inside = frame[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    if inside.shape[0] == 0 or inside.shape[1] == 0:
        row, column = min(max(y1, 0), height - 1), min(max(x1, 0), width - 1)
        return frame[row : row + 1, column : column + 1]
    outside = (max(-y1, 0), max(y2 - height, 0), max(-x1, 0), max(x2 - width, 0))
    if not any(outside):
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, *outside, cv2.BORDER_REPLICATE), np.uint8)


def _recolor(face: Pixels, color: str) -> Pixels:
    if color == "grey" and face.ndim == 3:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY), np.uint8)
    if color == "rgb" and face.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_GRAY2RGB), np.uint8)
    return face


def _resize(pixels: Pixels, size: int) -> Pixels:
    if pixels.shape[:2] == (size, size):
        return pixels
    how = cv2.INTER_AREA if max(pixels.shape[:2]) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=how), np.uint8)
