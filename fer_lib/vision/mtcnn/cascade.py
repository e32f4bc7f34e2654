"""Steps between the networks of MTCNN (Zhang et al., 2016), with the results of facenet-pytorch.

A candidate is a box and its confidence. Boxes may exceed the frame and are clipped only where pixels are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes

CELL = 12  # receptive field of the P-Net in pixels
STRIDE = 2  # of the P-Net in pixels


def pyramid_scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """Return the scales of the image pyramid, largest first; none if the frame is too small."""
    scale = CELL / min_face_size
    shortest, scales = min(height, width) * scale, []
    while shortest >= CELL:
        scales.append(scale)
        scale, shortest = scale * factor, shortest * factor
    return scales


def decode_proposals(
    offsets: NDArray[np.float32], confidence: NDArray[np.float32], scale: float, threshold: float
) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
    """Convert the output of the P-Net at one scale to candidates.

    Args:
        offsets: `(4, h, w)`, box regression relative to the sides of the box.
        confidence: `(h, w)`.
        scale: of the image pyramid.
        threshold: least confidence.

    Returns:
        Boxes `(n, 4)` in pixels of the frame, confidence `(n,)`, and offsets `(n, 4)`.
    """
    rows, columns = np.nonzero(confidence >= threshold)
    # In float32, as in the reference: 43 / 0.2 is 215 there, but slightly less in float64.
    corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
    low, high = np.floor((corner + 1) / np.float32(scale)), np.floor((corner + CELL) / np.float32(scale))
    boxes = np.hstack([low, high])
    return boxes, confidence[rows, columns], offsets[:, rows, columns].T


def regress_boxes(xyxy: Boxes, offsets: NDArray[np.float32], inclusive: float) -> Boxes:
    """Apply box regression: move each edge by its offset times the side.

    Args:
        xyxy: `(n, 4)` in pixels.
        offsets: `(n, 4)`, relative to the sides.
        inclusive: 1 where sides include both end pixels, else 0.
    """
    sides = xyxy[:, 2:] - xyxy[:, :2] + np.float32(inclusive)
    return xyxy + offsets * np.hstack([sides, sides])


def make_square(xyxy: Boxes) -> Boxes:
    """Expand the shorter side to the longer one around the same centre, in the same order of operations as the reference."""
    sides = xyxy[:, 2:] - xyxy[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    low = xyxy[:, :2] + sides * np.float32(0.5) - longest * np.float32(0.5)
    return np.hstack([low, low + longest]).astype(np.float32)


def clip_to_pixels(xyxy: Boxes, height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Clip boxes to whole pixels of the frame, `(n, 4)`, and return also which boxes contain any pixels, `(n,)`."""
    whole = np.trunc(xyxy).astype(np.int64)
    low = np.maximum(whole[:, :2], 1) - 1
    high = np.minimum(whole[:, 2:], [width, height])
    squares = np.hstack([low, high])
    return squares, np.asarray((high > low).all(axis=1))


def decode_landmarks(xyxy: Boxes, relative: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert landmarks of the O-Net, `(n, 10)` relative to the box (five x, five y), to pixels `(n, 5, 2)`."""
    sides = xyxy[:, 2:] - xyxy[:, :2] + 1
    return relative.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + xyxy[:, None, :2] - 1


def top_k(confidence: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the rows of the `k` most confident candidates, in ascending order."""
    if len(confidence) <= k:
        return np.arange(len(confidence))
    return np.sort(np.argsort(-confidence, kind="stable")[:k])
