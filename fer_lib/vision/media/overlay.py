"""Draw faces onto a frame: boxes, labels and probabilities."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import box_sizes, iou
from fer_lib.crops import Pixels
from fer_lib.faces import Faces
from fer_lib.labels import EMOTION_COLORS
from fer_lib.vision.media.frames import as_frame

Color = tuple[int, int, int]
Plate = tuple[int, int, int, int]
Floats = NDArray[np.float32]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)
UNKNOWN: Color = (255, 255, 255)
FONT = cv2.FONT_HERSHEY_DUPLEX
# Sizes for a frame whose shorter side has 480 pixels. They scale with the frame, but text stays legible as long as it
# fits into the frame.
REFERENCE_SIDE, LINE_WIDTH, TEXT_SIZE, MIN_TEXT_SIZE = 480, 2.0, 0.55, 0.4


def draw_faces(frame: Pixels, faces: Faces) -> Pixels:
    """Draw faces on a copy of a frame.

    Each face gets a box in the colour of its emotion, the label and its probability, and `Face` with its `track_id` if
    there are several; a face without probabilities gets a white box. Text that does not fit into the frame is omitted.

    Args:
        frame: RGB `(h, w, 3)` uint8; grey and RGBA are converted. It is not modified.
        faces: with any columns; may be empty.

    Returns:
        RGB `(h, w, 3)` uint8.
    """
    canvas = np.array(as_frame(frame), order="C")
    scale = min(canvas.shape[:2]) / REFERENCE_SIDE
    largest_first = np.argsort(-box_sizes(faces.xyxy).prod(axis=1), kind="stable")
    for row in largest_first:
        _draw_box(canvas, faces.xyxy[row], _color(faces, row), scale)
    occupied = np.zeros((0, 4), np.float32)
    for row in largest_first:
        text = _text(faces, row)
        size = _fit_text_size(text, faces.xyxy[row], canvas, scale)
        if text and size >= MIN_TEXT_SIZE / 2:
            plate = _place_plate(_plate_size(text, size), faces.xyxy[row], canvas, occupied, _outer_width(scale))
            _draw_text(canvas, plate, text, size, _color(faces, row))
            occupied = np.vstack([occupied, [plate]])
    return canvas


def rgb(color: str) -> Color:
    """Convert `#RRGGBB` to three integers from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def text_color(background: Color) -> Color:
    """Return black or white, the one with the higher contrast to `background`.

    Contrast ratio and relative luminance are those of the Web Content Accessibility Guidelines (WCAG) 2.1; black and white
    have the same contrast at a luminance of 0.179.
    """
    linear = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return BLACK if luminance > 0.179 else WHITE


def _color(faces: Faces, row: int) -> Color:
    return rgb(EMOTION_COLORS[faces.labels[row]]) if faces.probabilities is not None else UNKNOWN


def _text(faces: Faces, row: int) -> str:
    words = []
    if faces.track_id is not None and len(faces) > 1:
        words.append(f"Face {faces.track_id[row]}")
    if faces.probabilities is not None:
        words.append(f"{faces.labels[row]} {faces.probabilities[row].max():.0%}")
    return "  ".join(words)


def _draw_box(canvas: Pixels, box: Floats, color: Color, scale: float) -> None:
    height, width = canvas.shape[:2]
    x1, y1, x2, y2 = (int(v) for v in np.rint(box))
    low, high = (max(x1, 0), max(y1, 0)), (min(x2, width) - 1, min(y2, height) - 1)
    line = max(round(LINE_WIDTH * scale), 1)
    border = round(scale)
    if border:
        # A black border keeps the box visible on a background of its own colour.
        cv2.rectangle(canvas, low, high, BLACK, line + 2 * border, cv2.LINE_AA)
    cv2.rectangle(canvas, low, high, color, line, cv2.LINE_AA)


def _draw_text(canvas: Pixels, plate: Plate, text: str, size: float, background: Color) -> None:
    left, top, right, bottom = plate
    canvas[top:bottom, left:right] = background
    origin = (left + _padding(size), bottom - _padding(size) - _descent(text, size) // 2)
    cv2.putText(canvas, text, origin, FONT, size, text_color(background), max(round(size), 1), cv2.LINE_AA)


def _fit_text_size(text: str, box: Floats, canvas: Pixels, scale: float) -> float:
    """Return the font scale: text at most as wide as its box if that is legible, and never larger than the frame."""
    default = max(TEXT_SIZE * scale, MIN_TEXT_SIZE)
    width, height = _plate_size(text, default)
    preferred = max(default * min(1.0, float(box[2] - box[0]) / width), min(default, MIN_TEXT_SIZE * max(scale, 1)))
    largest = default * min(canvas.shape[1] / width, canvas.shape[0] / height) * 0.97 - 0.01
    return min(preferred, largest)


def _outer_width(scale: float) -> int:
    """Return the extent of the line and border of a box outside of it, in pixels."""
    return max(round(LINE_WIDTH * scale), 1) // 2 + round(scale)


def _place_plate(size: tuple[int, int], box: Floats, canvas: Pixels, occupied: Floats, outer_width: int) -> Plate:
    """Place the label inside the frame: above the box, below it, or inside of it at the top or bottom.

    The first free place is used; if there is none, the first place within the frame, which covers other labels.
    """
    (width, height), (frame_h, frame_w) = size, canvas.shape[:2]
    x1, y1, _, y2 = (int(v) for v in np.rint(box))
    left = min(max(x1 - outer_width, 0), frame_w - width)
    tops = [y1 - height, y2, y1, y2 - height]
    candidates = [(left, top, left + width, top + height) for top in tops if 0 <= top <= frame_h - height]
    free = [plate for plate in candidates if not iou(np.array([plate], np.float32), occupied).any()]
    top = min(max(y1, 0), frame_h - height)
    return (free or candidates or [(left, top, left + width, top + height)])[0]


def _plate_size(text: str, size: float) -> tuple[int, int]:
    (width, rise), _ = cv2.getTextSize(text, FONT, size, max(round(size), 1))
    return width + 2 * _padding(size), rise + _descent(text, size) // 2 + 2 * _padding(size)


def _descent(text: str, size: float) -> int:
    return int(cv2.getTextSize(text, FONT, size, max(round(size), 1))[1])


def _padding(size: float) -> int:
    return max(round(8 * size), 1)
