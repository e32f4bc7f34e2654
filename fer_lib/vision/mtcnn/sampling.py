"""Resize parts of a frame by area interpolation with a summed-area table, with the results of facenet-pytorch.

facenet-pytorch resizes with the area interpolation of torch: each pixel of the result is the mean of the whole pixels
that its cell touches. With a summed-area table (Crow, "Summed-area Tables for Texture Mapping", 1984) such a mean costs
four look-ups for cells of any size. One table serves all scales of the image pyramid and all crops of all faces.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.vision.media.frames import Frame

Table = NDArray[np.int32]
Pixels = NDArray[np.float32]


def summed_area_table(frame: Frame) -> Table:
    """Compute the summed-area table `(h + 1, w + 1, 3)` of a frame of at most 8 million pixels."""
    return np.asarray(cv2.integral(frame), np.int32)


def sample_areas(table: Table, squares: NDArray[np.int64], height: int, width: int) -> Pixels:
    """Cut rectangles out of the frame of `table` and resize each to `height` × `width` pixels.

    Args:
        table: summed-area table of the frame.
        squares: `(n, 4)` in whole pixels, inside of the frame, with at least one pixel.
        height: of the results in pixels.
        width: of the results in pixels.

    Returns:
        `(n, 3, height, width)` float32, `(mean - 127.5) / 128`, the input of the networks of MTCNN.
    """
    top, bottom = _cells(squares[:, 1], squares[:, 3], height)
    left, right = _cells(squares[:, 0], squares[:, 2], width)
    width_of_table = table.shape[1]
    above, below = (rows[:, :, None] * width_of_table for rows in (top, bottom))
    before, behind = left[:, None, :], right[:, None, :]
    corners = table.reshape(-1, 3)
    # `take` on one flat axis is three times as fast as indexing two axes; every index is valid, so nothing is clipped.
    sums = corners.take(below + behind, axis=0, mode="clip")
    sums -= corners.take(above + behind, axis=0, mode="clip")
    sums -= corners.take(below + before, axis=0, mode="clip")
    sums += corners.take(above + before, axis=0, mode="clip")
    areas = (bottom - top)[:, :, None] * (right - left)[:, None, :]
    pixels = np.empty((len(squares), 3, height, width), np.float32)
    np.divide(sums.transpose(0, 3, 1, 2), areas[:, None].astype(np.float32), out=pixels)
    pixels -= 127.5
    pixels *= 0.0078125
    return pixels


def _cells(low: NDArray[np.int64], high: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split ranges into `count` cells of whole pixels, rounded outwards; return starts and ends, `(n, count)`."""
    cell, length = np.arange(count), (high - low)[:, None]
    starts = cell * length // count
    ends = -((-(cell + 1) * length) // count)
    return low[:, None] + starts, low[:, None] + ends
