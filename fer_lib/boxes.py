"""Box arithmetic: clipping, sizes, centres and intersection over union (IoU).

A box is `(x1, y1, x2, y2)` in pixels: left, top, right and bottom edge. All functions take and return arrays of shape
`(n, 4)`; `n = 0` is valid everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float32]


def as_boxes(xyxy: ArrayLike) -> Boxes:
    """Return `xyxy` as a float32 array `(n, 4)`; empty input becomes `(0, 4)`.

    Raises:
        ValueError: if the shape is not `(n, 4)` or a value is not finite.
    """
    boxes = np.asarray(xyxy, dtype=np.float32)
    if boxes.size == 0:
        return np.zeros((0, 4), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"`xyxy` must have the shape (n, 4), but got {boxes.shape}")
    if not np.isfinite(boxes).all():
        raise ValueError("`xyxy` must contain finite numbers, but got NaN or infinity")
    return boxes


def clip_boxes(xyxy: Boxes, width: int, height: int) -> Boxes:
    """Clip boxes to a frame of `width` × `height` pixels."""
    limits = np.array([width, height, width, height], np.float32)
    return np.clip(xyxy, 0, limits)


def box_sizes(xyxy: Boxes) -> NDArray[np.float32]:
    """Return widths and heights, `(n, 2)` in pixels, never negative."""
    return np.maximum(xyxy[:, 2:] - xyxy[:, :2], np.float32(0))


def box_centers(xyxy: Boxes) -> NDArray[np.float32]:
    """Return the centres, `(n, 2)` as x and y in pixels."""
    return (xyxy[:, :2] + xyxy[:, 2:]) / np.float32(2)


def iou(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Compute the intersection over union (IoU, Jaccard index) of every pair of boxes.

    Args:
        first: `(n, 4)`.
        second: `(m, 4)`.

    Returns:
        `(n, m)` in [0, 1]; 0 for boxes without area.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.maximum(high - low, 0).prod(axis=2)
    union = box_sizes(first).prod(axis=1)[:, None] + box_sizes(second).prod(axis=1)[None] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
