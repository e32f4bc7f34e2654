"""Synthetic clips of moving faces with ground-truth boxes.

The face is that of astronaut Eileen Collins (NASA, public domain), from the portrait inside scikit-image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Hair, face and shoulders in the 512 × 512 portrait, and the face in it, as x1, y1, x2, y2 in pixels.
PORTRAIT = (114, 7, 334, 227)
FACE = (181, 62, 268, 172)
MOUTH = (224, 141)  # centre in the 512 × 512 portrait
NOISE = 2.0  # standard deviation of the sensor noise in grey levels
NOISE_FRAMES = 7  # noise images that repeat
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Clip:
    """Clip of moving faces.

    Attributes:
        jpegs: the frames as JPEG.
        times_s: `(n,)` capture times in seconds.
        truth: `(n, faces, 4)` float32, ground-truth `xyxy` in pixels, from the brow to the chin.
    """

    jpegs: list[bytes]
    times_s: NDArray[np.float64]
    truth: Floats

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.jpegs)


def compose_clip(
    frames: int,
    faces: int = 1,
    width: int = 640,
    height: int = 480,
    rate: float = 30,
    still: bool = False,
    smile_s: float = math.inf,
) -> Clip:
    """Compose a clip of faces that move, each in its own cell of the frame.

    Args:
        frames: number of frames.
        faces: faces per frame.
        width: frame width in pixels.
        height: frame height in pixels.
        rate: frames per second.
        still: whether the faces do not move.
        smile_s: seconds between two changes of the expression (smiling, neutral, smiling, …).
    """
    random = np.random.default_rng(0)
    backdrop = _draw_backdrop(width, height, random)
    noise = NOISE * random.standard_normal((NOISE_FRAMES, height, width, 3), np.float32)
    times_s = np.arange(frames) / rate
    truth = np.zeros((frames, faces, 4), np.float32)
    jpegs = []
    for number, time_s in enumerate(times_s):
        canvas = backdrop.copy()
        for face in range(faces):
            place = _place(face, faces, 0 if still else time_s, width, height)
            truth[number, face] = _paste_portrait(canvas, *place, smiling=int(time_s / smile_s) % 2 == 0)
        canvas += noise[number % NOISE_FRAMES]
        jpegs.append(_encode(np.clip(canvas, 0, 255).astype(np.uint8)))
    return Clip(jpegs, times_s, truth)


def _place(face: int, faces: int, time_s: float, width: int, height: int) -> tuple[float, float, float]:
    """Return centre x, centre y and side of a portrait in pixels; each face moves in its own cell of the frame."""
    columns = math.ceil(math.sqrt(faces))
    rows = math.ceil(faces / columns)
    cell_w, cell_h = width / columns, height / rows
    turn = 2 * math.pi * time_s
    x = cell_w * (face % columns + 0.5 + 0.2 * math.sin(turn / 4 + face))
    y = cell_h * (face // columns + 0.5 + 0.08 * math.sin(turn / 2.7 + 2 * face))
    return x, y, min(cell_w, cell_h) * (0.7 + 0.1 * math.sin(turn / 5 + 3 * face))


def _paste_portrait(canvas: Floats, x: float, y: float, side: float, smiling: bool = True) -> Floats:
    """Blend the portrait into the canvas with subpixel precision; return the face's ground-truth box `(4,)`."""
    portrait, mask = _portrait(smiling)
    scale = side / len(portrait)
    place = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]], np.float32)
    size = (canvas.shape[1], canvas.shape[0])
    alpha = cv2.warpAffine(mask, place, size, flags=cv2.INTER_LINEAR)[..., None]
    canvas += alpha * (cv2.warpAffine(portrait, place, size, flags=cv2.INTER_LINEAR) - canvas)
    corner = np.array([x - side / 2, y - side / 2] * 2)
    return np.asarray(corner + scale * (np.array(FACE) - np.array(PORTRAIT[:2] * 2)), np.float32)


@cache
def _portrait(smiling: bool = True) -> tuple[Floats, Floats]:
    """Return the portrait `(s, s, 3)` and an alpha mask `(s, s)` that fades out towards the edges."""
    from skimage.data import astronaut  # imported here: scikit-image is a requirement of clips only

    x1, y1, x2, y2 = PORTRAIT
    image = astronaut() if smiling else _remove_smile(astronaut())
    portrait = image[y1:y2, x1:x2].astype(np.float32)
    axis = np.linspace(-1, 1, len(portrait), dtype=np.float32) ** 4
    return portrait, np.clip((1 - (axis[:, None] + axis[None]) ** 0.25) / 0.15, 0, 1)


def _remove_smile(image: Frame) -> Frame:
    """Replace the mouth with inpainted skin and a straight line, so that the face is classified as neutral."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, MOUTH, (36, 20), 0, 0, 360, 255, -1)
    skin = cv2.GaussianBlur(cv2.inpaint(image, mask, 7, cv2.INPAINT_TELEA), (0, 0), 2)
    image = np.asarray(np.where(mask[..., None] > 0, skin, image), np.uint8)
    for thickness, color in ((7, (176, 104, 92)), (2, (110, 50, 45))):
        lips = image.copy()
        cv2.line(lips, (MOUTH[0] - 16, MOUTH[1]), (MOUTH[0] + 16, MOUTH[1]), color, thickness, cv2.LINE_AA)
        image = np.asarray(cv2.addWeighted(lips, 0.85, image, 0.15, 0), np.uint8)
    return image


def _draw_backdrop(width: int, height: int, random: np.random.Generator) -> Floats:
    """Return a blurred background `(h, w, 3)`: random shapes at two scales."""
    backdrop = np.full((height, width, 3), 130, np.float32)
    for cells, contrast in ((6, 40), (40, 12)):
        shapes = random.normal(0, contrast, (cells * 3 // 4, cells, 1)) * random.uniform(0.8, 1.0, 3)
        backdrop += cv2.resize(shapes.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return backdrop


def _encode(frame: Frame) -> bytes:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
