"""Non-maximum suppression (NMS): keep the most confident of overlapping boxes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes


def nms(
    xyxy: Boxes, confidence: NDArray[np.float32], threshold: float, relative_to: Literal["union", "smaller"] = "union"
) -> NDArray[np.int64]:
    """Select boxes by greedy non-maximum suppression.

    Args:
        xyxy: `(n, 4)` in pixels.
        confidence: `(n,)`.
        threshold: a box is dropped if its overlap with a selected box is greater than this.
        relative_to: denominator of the overlap: `union` (IoU), or `smaller` for the smaller of both areas, as in the
            last stage of MTCNN, where sides include both end pixels.

    Returns:
        The selected rows, most confident first.
    """
    order = np.argsort(-confidence, kind="stable")
    overlapping = _overlapping(xyxy[order].astype(np.float64), threshold, relative_to)
    is_kept = np.ones(len(order), bool)
    for row in range(len(order)):
        if is_kept[row]:
            is_kept[row + 1 :] &= ~overlapping[row, row + 1 :]
    return order[is_kept]


def _overlapping(xyxy: NDArray[np.float64], threshold: float, relative_to: str) -> NDArray[np.bool_]:
    """Return for every pair of boxes whether its overlap is greater than `threshold`, `(n, n)`."""
    low, high = xyxy[:, :2], xyxy[:, 2:] + (1.0 if relative_to == "smaller" else 0.0)
    intersection = np.ones((len(xyxy), len(xyxy)))
    for start, end in zip(low.T, high.T, strict=True):
        sides = np.minimum.outer(end, end) - np.maximum.outer(start, start)
        intersection *= np.maximum(sides, 0)
    areas = (high - low).prod(axis=1)
    if relative_to == "smaller":
        return intersection > threshold * np.minimum.outer(areas, areas)
    return intersection > threshold * (np.add.outer(areas, areas) - intersection)
