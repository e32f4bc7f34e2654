"""Combine, scale and move tables of faces; faces of two tables are matched by intersection over union (IoU)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, box_centers, iou
from fer_lib.faces import Faces


def scale_faces(faces: Faces, factor: NDArray[np.float32]) -> Faces:
    """Multiply boxes and landmarks by `factor`, `(2,)` as x and y."""
    if (factor == 1).all():
        return faces
    landmarks = None if faces.landmarks is None else faces.landmarks * factor
    return faces.with_columns(xyxy=faces.xyxy * np.tile(factor, 2), landmarks=landmarks)


def move_faces(faces: Faces, xyxy: Boxes) -> Faces:
    """Replace the boxes by `xyxy`, `(n, 4)` pixels, and move the landmarks along with the centres."""
    landmarks = faces.landmarks
    if landmarks is not None:
        landmarks = landmarks + (box_centers(xyxy) - box_centers(faces.xyxy))[:, None]
    return faces.with_columns(xyxy=xyxy, landmarks=landmarks)


def unmatched_faces(first: Faces, second: Faces, min_iou: float) -> Faces:
    """Return the faces of `second` whose IoU with every face of `first` is less than `min_iou`."""
    return second[~(iou(second.xyxy, first.xyxy) >= min_iou).any(axis=1)]


def merge_faces(first: Faces, second: Faces, min_iou: float) -> Faces:
    """Return `first`, then the unmatched faces of `second`, with `xyxy`, `confidence` and `landmarks` only."""
    tables = [table for table in (first, unmatched_faces(first, second, min_iou)) if len(table)]
    if not tables:
        return Faces.empty()
    landmarks = [table.landmarks for table in tables if table.landmarks is not None]
    return Faces(
        xyxy=np.concatenate([table.xyxy for table in tables]),
        confidence=np.concatenate([table.confidence for table in tables]),
        landmarks=np.concatenate(landmarks) if len(landmarks) == len(tables) else None,
    )
