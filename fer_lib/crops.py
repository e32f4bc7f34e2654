"""Crop faces, resize them and normalize them to network input, for training and inference.

A `CropSpec` contains the square to cut, its size, its colour and its normalization. Training stores it in the model
card and inference reads it from there, so that both apply the same preprocessing. This module depends on OpenCV,
although it is outside of `vision`, because both must resize and convert pixels with the same code.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, box_centers, box_sizes

Pixels = NDArray[np.uint8]
# Least and largest value of each number of a `CropSpec`: model cards may be untrusted, and a size costs memory.
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
    """Preprocessing of a face to network input.

    Attributes:
        size: side of the square input in pixels; `RANGES` limits all numbers.
        color: `grey` (one channel) or `rgb` (three).
        scale: side of the square that is cut, as a multiple of the longer side of the detected box.
        shift_y: distance from the centre of the box down to the centre of the square, as a multiple of the same
            side.
        detail: side in pixels to which a larger face is reduced before it is resized to `size`, so that the input has no
            more detail than the training images; 0: no limit.
        mean: subtracted from values in [0, 1].
        std: divisor after that.
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
        """Return the fields as in a model card."""
        return asdict(self)


def check_number(name: str, value: object, low: float, high: float, whole: bool = False) -> None:
    """Check that a value of a model card is a number from `low` to `high`, both included.

    Raises:
        TypeError: if it is not a number, or not an integer where `whole` is set.
        ValueError: if it is out of range, infinite or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise TypeError(f"`{name}` must be a {'whole ' * whole}number, but got {str(value)[:40]!r}")
    if not low <= value <= high:
        shown = f"{value:.6g}" if isinstance(value, float) else f"a whole number of {value.bit_length()} bits"
        raise ValueError(f"`{name}` must be from {low} to {high}, but got {shown}")


def crop_faces(frame: Pixels, xyxy: Boxes, spec: CropSpec) -> Pixels:
    """Cut a square crop of each box out of a frame and resize the crops to one size.

    Args:
        frame: `(h, w, 3)` RGB or `(h, w)` grey.
        xyxy: `(n, 4)` boxes in pixels; parts outside of the frame repeat its border.
        spec: the preprocessing.

    Returns:
        `(n, size, size, channels)` uint8; without rows for `n = 0`.
    """
    crops = np.empty((len(xyxy), spec.size, spec.size, spec.channels), np.uint8)
    for crop, box in zip(crops, crop_squares(xyxy, spec), strict=True):
        crop[:] = resize_face(_cut(frame, box), spec)
    return crops


def crop_squares(xyxy: Boxes, spec: CropSpec) -> NDArray[np.int64]:
    """Return the squares that `crop_faces` cuts, `(n, 4)` in whole pixels; they may exceed the frame."""
    side = np.maximum(np.rint(box_sizes(xyxy).max(axis=1) * spec.scale), 1)
    centers = box_centers(xyxy)
    centers[:, 1] += spec.shift_y * box_sizes(xyxy).max(axis=1)
    low = np.rint(centers - side[:, None] / 2)
    return np.hstack([low, low + side[:, None]]).astype(np.int64)


def resize_face(face: Pixels, spec: CropSpec) -> Pixels:
    """Resize one crop, `(h, w[, 3])`, to `(size, size, channels)` in the colour of `spec`."""
    pixels = _recolor(face, spec.color)
    if spec.detail and max(pixels.shape[:2]) > spec.detail:
        pixels = _resize(pixels, spec.detail)
    return _resize(pixels, spec.size).reshape(spec.size, spec.size, spec.channels)


def normalize_crops(crops: Pixels, spec: CropSpec) -> NDArray[np.float32]:
    """Normalize crops `(n, size, size, channels)` uint8 to network input `(n, channels, size, size)` float32."""
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
    interpolation = cv2.INTER_AREA if max(pixels.shape[:2]) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=interpolation), np.uint8)
