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
    drops = _overlaps(xyxy[order].astype(np.float64), limit, share_of)
    alive = np.ones(len(order), bool)
    for row in range(len(order)):
        if alive[row]:
            alive[row + 1 :] &= ~drops[row, row + 1 :]
    return order[alive]


def _overlaps(xyxy: NDArray[np.float64], limit: float, share_of: str) -> NDArray[np.bool_]:
    """Say of every pair at once whether it shares more than `limit`, `(n, n)`."""
    low, high = xyxy[:, :2], xyxy[:, 2:] + (1.0 if share_of == "smaller" else 0.0)
    shared = np.ones((len(xyxy), len(xyxy)))
    for start, end in zip(low.T, high.T, strict=True):
        sides = np.minimum.outer(end, end) - np.maximum.outer(start, start)
        shared *= np.maximum(sides, 0)
    areas = (high - low).prod(axis=1)
    if share_of == "smaller":
        return shared > limit * np.minimum.outer(areas, areas)
    return shared > limit * (np.add.outer(areas, areas) - shared)
