"""Many small pictures out of one frame, averaged over areas exactly as the reference does.

facenet-pytorch resizes with torch's area interpolation: each pixel of the result is the mean of the whole
pixels that its cell touches. With a summed-area table (Crow, 1984) such a mean costs four look-ups, however
large the cell, so one table serves all scales of the pyramid and all crops of all faces.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.vision.frames import Frame

Table = NDArray[np.int32]
Pixels = NDArray[np.float32]


def sum_areas(frame: Frame) -> Table:
    """Return the summed-area table `(h + 1, w + 1, 3)` of a frame of at most 8 million pixels."""
    return np.asarray(cv2.integral(frame), np.int32)


def sample_areas(table: Table, squares: NDArray[np.int64], height: int, width: int) -> Pixels:
    """Cut rectangles out of the frame behind `table` and bring each to `height` × `width` pixels.

    Args:
        table: from `sum_areas`.
        squares: `(n, 4)` whole pixels, inside the frame, none empty.
        height: of the results.
        width: of the results.

    Returns:
        `(n, 3, height, width)` float32, `(mean - 127.5) / 128`, as MTCNN's networks want it.
    """
    top, bottom = _cells(squares[:, 1], squares[:, 3], height)
    left, right = _cells(squares[:, 0], squares[:, 2], width)
    above, below = top[:, :, None], bottom[:, :, None]
    before, behind = left[:, None, :], right[:, None, :]
    sums = table[below, behind] - table[above, behind] - table[below, before] + table[above, before]
    areas = (below - above) * (behind - before)
    means = sums / areas[..., None].astype(np.float32)
    return np.ascontiguousarray(((means - 127.5) * 0.0078125).transpose(0, 3, 1, 2), np.float32)


def _cells(low: NDArray[np.int64], high: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split ranges into `count` cells of whole pixels, rounded outwards; return starts and ends, `(n, count)`."""
    place, length = np.arange(count), (high - low)[:, None]
    starts = place * length // count
    ends = -((-(place + 1) * length) // count)
    return low[:, None] + starts, low[:, None] + ends
