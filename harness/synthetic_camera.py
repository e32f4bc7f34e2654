"""Synthetic camera: a clip of a moving face with ground-truth boxes, which Chromium plays in a loop.

Each frame contains its number as black and white squares in a corner, so that the ground truth of the frame on the screen
can be looked up.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

WIDTH, HEIGHT, RATE = 640, 480, 30
FRAMES = 180
SQUARE = 16
BITS = 12

# `xyxy` of the face in scikit-image's portrait of Eileen Collins (NASA, public domain), 512 × 512.
FACE = (176, 62, 272, 178)
ZOOM = 1.25
MARGIN = 120


def face_box(number: int) -> NDArray[np.float32]:
    """Return the ground-truth `xyxy` of the face in frame `number`, in pixels."""
    left, top = _corner(number)
    shift = np.array([MARGIN - left, -top] * 2, np.float32)
    return np.array(FACE, np.float32) * ZOOM + shift


def draw_frame(number: int, with_face: bool = True) -> Frame:
    """Draw frame `number` of the clip, `(480, 640, 3)` RGB."""
    left, top = _corner(number)
    frame = _scene(with_face)[top : top + HEIGHT, left : left + WIDTH].copy()
    squares = [1, *(number >> i & 1 for i in reversed(range(BITS)))]
    for i, bit in enumerate([*squares, 1 - sum(squares) % 2]):
        frame[:SQUARE, i * SQUARE : (i + 1) * SQUARE] = 255 * bit
    return frame


def read_number(frame: Frame) -> int:
    """Return the number that `draw_frame` encoded in a frame, or -1 if there is none."""
    bits = [int(frame[SQUARE // 2, int((i + 0.5) * SQUARE), 1] > 128) for i in range(BITS + 2)]
    if not bits[0] or sum(bits) % 2 != 1:
        return -1
    return int("".join(map(str, bits[1:-1])), 2)


def write_clip(path: Path, with_face: bool = True, frames: int = FRAMES) -> Path:
    """Write the clip as uncompressed video (y4m), which Chromium plays as a camera (0.5 MB per frame)."""
    with path.open("wb") as stream:
        stream.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(frames):
            planes = cv2.cvtColor(draw_frame(number, with_face), cv2.COLOR_RGB2YUV_I420)
            stream.write(b"FRAME\n" + planes.tobytes())
    return path


def _corner(number: int) -> tuple[int, int]:
    """Return left and top of the frame in the scene, which oscillate so that the face moves in the frame."""
    phase = 2 * math.pi * number / FRAMES
    return round(MARGIN + 110 * math.sin(phase)), round(40 + 35 * math.sin(2 * phase))


@cache
def _scene(with_face: bool) -> Frame:
    from skimage.data import astronaut

    scene = cv2.resize(astronaut(), None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_AREA)
    if not with_face:
        scene = cv2.GaussianBlur(scene, (0, 0), 60)
    return np.asarray(cv2.copyMakeBorder(scene, 0, 0, MARGIN, MARGIN, cv2.BORDER_REFLECT), np.uint8)
