"""The steps between MTCNN's networks (Zhang et al., 2016), as facenet-pytorch does them.

A candidate is a box and its confidence. Boxes here may leave the frame and are cut only where pixels are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes

CELL = 12  # pixels that the P-Net looks at for one answer
STRIDE = 2  # pixels between its answers


def pyramid_scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """Return the scales at which the P-Net looks for faces, largest first; none if the frame is too small."""
    scale = CELL / min_face_size
    shortest, scales = min(height, width) * scale, []
    while shortest >= CELL:
        scales.append(scale)
        scale, shortest = scale * factor, shortest * factor
    return scales


def read_proposals(
    offsets: NDArray[np.float32], confidence: NDArray[np.float32], scale: float, threshold: float
) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
    """Turn the P-Net's answers at one scale into boxes, their confidence and their offsets.

    Args:
        offsets: `(4, h, w)`, shares of the box's sides.
        confidence: `(h, w)`.
        scale: at which the frame was shown.
        threshold: the least confidence.

    Returns:
        `(n, 4)` boxes in pixels of the frame, `(n,)`, `(n, 4)`.
    """
    rows, columns = np.nonzero(confidence >= threshold)
    # In float32 throughout: 43 / 0.2 is 215 there, as in the reference, but a hair less in float64.
    corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
    low, high = np.floor((corner + 1) / np.float32(scale)), np.floor((corner + CELL) / np.float32(scale))
    boxes = np.hstack([low, high])
    return boxes, confidence[rows, columns], offsets[:, rows, columns].T


def shift_boxes(xyxy: Boxes, offsets: NDArray[np.float32], inclusive: float) -> Boxes:
    """Move each edge by its offset, a share of the side; `inclusive` is 1 where sides count both end pixels."""
    sides = xyxy[:, 2:] - xyxy[:, :2] + np.float32(inclusive)
    return xyxy + offsets * np.hstack([sides, sides])


def make_square(xyxy: Boxes) -> Boxes:
    """Widen the shorter side to the longer, around the same centre, in the reference's order of steps."""
    sides = xyxy[:, 2:] - xyxy[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    low = xyxy[:, :2] + sides * np.float32(0.5) - longest * np.float32(0.5)
    return np.hstack([low, low + longest]).astype(np.float32)


def cut_squares(xyxy: Boxes, height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the whole pixels inside the frame that each box covers, `(n, 4)`, and which boxes cover any, `(n,)`."""
    whole = np.trunc(xyxy).astype(np.int64)
    low = np.maximum(whole[:, :2], 1) - 1
    high = np.minimum(whole[:, 2:], [width, height])
    squares = np.hstack([low, high])
    return squares, np.asarray((high > low).all(axis=1))


def place_landmarks(xyxy: Boxes, shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the O-Net's landmarks, `(n, 10)` shares of the box (five x, five y), into pixels `(n, 5, 2)`."""
    sides = xyxy[:, 2:] - xyxy[:, :2] + 1
    return shares.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + xyxy[:, None, :2] - 1


def keep_best(confidence: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return the rows of the `most` most confident candidates, in their old order."""
    if len(confidence) <= most:
        return np.arange(len(confidence))
    return np.sort(np.argsort(-confidence, kind="stable")[:most])
