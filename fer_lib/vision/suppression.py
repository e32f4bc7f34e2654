"""Of many boxes around the same face, the most confident stays."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes


def suppress(
    xyxy: Boxes, confidence: NDArray[np.float32], limit: float, share_of: Literal["union", "smaller"] = "union"
) -> NDArray[np.int64]:
    """Choose boxes greedily, the most confident first (non-maximum suppression).

    Args:
        xyxy: `(n, 4)` in pixels.
        confidence: `(n,)`.
        limit: a box that shares more than this with a chosen one is dropped.
        share_of: the shared area is measured against the union of both or against the smaller; the latter
            counts pixels as the reference does there, from the first to the last inclusive.

    Returns:
        The rows that stay, most confident first.
    """
    order = np.argsort(-confidence, kind="stable")
    boxes = xyxy[order].astype(np.float64)
    inclusive = 1.0 if share_of == "smaller" else 0.0
    low, high = boxes[:, :2], boxes[:, 2:]
    areas = (high - low + inclusive).prod(axis=1)
    alive = np.ones(len(boxes), bool)
    for row in range(len(boxes)):
        if not alive[row]:
            continue
        rest = slice(row + 1, None)
        sides = np.minimum(high[row], high[rest]) - np.maximum(low[row], low[rest]) + inclusive
        shared = np.maximum(sides, 0).prod(axis=1)
        whole = areas[row] + areas[rest] - shared if share_of == "union" else np.minimum(areas[row], areas[rest])
        alive[rest] &= shared <= limit * whole
    return order[alive]
