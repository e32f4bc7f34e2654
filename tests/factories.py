"""Seeded factories of frames and face tables; nothing is downloaded.

The only face is scikit-image's portrait of astronaut Eileen Collins (NASA, public domain), also mirrored, scaled and
darkened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS

# Left, top and side of hair, face and shoulders in the 512 × 512 portrait, and the face as shares of that square.
_LEFT, _TOP, _SIDE = 114, 7, 220
FACE_IN_PORTRAIT = (0.305, 0.25, 0.699, 0.75)


def make_frame(height: int = 48, width: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Return a frame of random pixels, `(height, width, 3)` uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_faces(n: int, width: int = 640, height: int = 480, seed: int = 0, **columns: Any) -> Faces:
    """Return a table of `n` faces with every column filled; `columns` replaces columns."""
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.1, 0.3, n) * min(width, height)
    low = rng.uniform(0, 1, (n, 2)) * (np.array([width, height]) - sides[:, None])
    given = {
        "xyxy": np.hstack([low, low + sides[:, None]]).reshape(n, 4),
        "confidence": rng.uniform(0.9, 1, n),
        "landmarks": low[:, None] + rng.uniform(0.2, 0.8, (n, 5, 2)) * sides[:, None, None],
        "probabilities": rng.dirichlet(np.ones(len(EMOTIONS)), n).reshape(n, len(EMOTIONS)),
        "track_id": np.arange(n),
    }
    return Faces(**{**given, **columns})


@cache
def _portrait() -> NDArray[np.uint8]:
    return np.ascontiguousarray(astronaut()[_TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE])


def make_portrait(size: int = 220, mirrored: bool = False) -> NDArray[np.uint8]:
    """Return the astronaut's hair, face and shoulders, `(size, size, 3)` uint8 RGB.

    The face fills the middle half of the height (`FACE_IN_PORTRAIT`).
    """
    how = cv2.INTER_AREA if size < _SIDE else cv2.INTER_CUBIC
    scaled = cv2.resize(_portrait(), (size, size), interpolation=how)
    return np.ascontiguousarray(scaled[:, ::-1] if mirrored else scaled)


def compose_frame(
    faces: Sequence[tuple[float, float, float]] = (),
    width: int = 640,
    height: int = 480,
    brightness: float = 1.0,
    seed: int = 0,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Compose a frame: blend portraits with soft edges into a smooth background.

    Args:
        faces: the centre x, centre y and height of each face in pixels, later ones in front; the portrait is
            twice as high as the face, and may be cut by the border.
        width: frame width in pixels.
        height: frame height in pixels.
        brightness: factor of all pixels.
        seed: seed of the background, the noise, and of which faces are mirrored.

    Returns:
        The frame `(height, width, 3)` uint8 RGB and the ground-truth boxes `(n, 4)`, clipped to the frame.
    """
    rng = np.random.default_rng(seed)
    canvas = _background(width, height, rng)
    mirrored = rng.integers(0, 2, len(faces)).astype(bool)
    true_xyxy = np.zeros((len(faces), 4), np.float32)
    for row, (face, mirror) in enumerate(zip(faces, mirrored, strict=True)):
        true_xyxy[row] = _paste(canvas, face, bool(mirror))
    canvas += rng.normal(0, 1.5, canvas.shape).astype(np.float32)
    frame = np.clip(canvas * brightness, 0, 255).astype(np.uint8)
    return frame, np.clip(true_xyxy, 0, np.array([width, height, width, height], np.float32))


def _background(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float32]:
    corners = rng.uniform(120, 190, (2, 2, 3)).astype(np.float32)
    return np.ascontiguousarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR))


def _paste(canvas: NDArray[np.float32], face: tuple[float, float, float], mirror: bool) -> NDArray[np.float32]:
    """Blend one portrait into the canvas with subpixel precision; return the ground-truth box of the face."""
    x, y, face_height = face
    height, width = canvas.shape[:2]
    side = max(round(2 * face_height), 8)
    scale = 2 * face_height / side
    shift = np.array([[scale, 0, x - face_height], [0, scale, y - face_height]], np.float32)
    portrait = make_portrait(side, mirror).astype(np.float32)
    options: dict[str, Any] = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    placed = cv2.warpAffine(portrait, shift, (width, height), **options)
    alpha = cv2.warpAffine(_soft_mask(side), shift, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    canvas += alpha * (placed - canvas)
    x1, y1, x2, y2 = FACE_IN_PORTRAIT
    if mirror:
        x1, x2 = 1 - x2, 1 - x1
    corner = np.array([x - face_height, y - face_height] * 2)
    return (corner + 2 * face_height * np.array([x1, y1, x2, y2])).astype(np.float32)


def _soft_mask(side: int) -> NDArray[np.float32]:
    """Return an alpha mask: 1 inside a rounded square, fading to 0 at its edges."""
    axis = np.abs(np.linspace(-1, 1, side, dtype=np.float32))
    radius = (axis[:, None] ** 4 + axis[None] ** 4) ** 0.25
    return np.clip((1 - radius) / 0.15, 0, 1).astype(np.float32)
