"""Synthetic cartoon faces with the seven expressions: a sample data set for tests and trials without a download.

A network trained on them does not generalise to photos.

    python -m fer_lib.dataset.synthetic data/sample
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.command_line import CommandParser
from fer_lib.labels import EMOTIONS
from fer_lib.terminal import printable

CANVAS = 192  # side of the drawing before it is reduced, in pixels
COUNTS = {"train": 16, "validation": 5, "test": 5}  # images per label


@dataclass(frozen=True)
class Expression:
    """Parameters of an expression, as fractions of half the face's width unless noted.

    Attributes:
        brow_height: raise of the brows (negative: lowered).
        brow_tilt: raise of their inner ends (negative: lowered, a frown).
        eye_open: height of the eyes as a fraction of their width.
        mouth_curve: height of the corners above the middle (negative: below).
        mouth_open: height of the opening.
        mouth_width: half the width of the mouth.
        wrinkle: whether the nose is wrinkled and the lip raised on one side.
    """

    brow_height: float
    brow_tilt: float
    eye_open: float
    mouth_curve: float
    mouth_open: float
    mouth_width: float
    wrinkle: bool = False


EXPRESSIONS = {
    "angry": Expression(-0.08, -0.16, 0.42, -0.12, 0.03, 0.36),
    "disgust": Expression(-0.05, -0.08, 0.30, -0.10, 0.06, 0.34, wrinkle=True),
    "fear": Expression(0.10, 0.12, 0.85, -0.06, 0.13, 0.40),
    "happy": Expression(0.03, 0.0, 0.45, 0.20, 0.12, 0.46),
    "neutral": Expression(0.0, 0.0, 0.55, 0.0, 0.0, 0.36),
    "sad": Expression(0.02, 0.14, 0.38, -0.15, 0.0, 0.32),
    "surprise": Expression(0.18, 0.0, 1.0, 0.0, 0.34, 0.22),
}


def draw_face(label: str, seed: int, size: int = 48) -> NDArray[np.uint8]:
    """Draw one face.

    Args:
        label: one of the seven emotions.
        seed: seed of all other parameters; the same seed gives the same image.
        size: side in pixels.

    Returns:
        `(size, size)` uint8, grey.
    """
    random = np.random.default_rng([EMOTIONS.index(label), seed])
    expression = EXPRESSIONS[label]
    canvas = np.full((CANVAS, CANVAS), random.integers(20, 120), np.uint8)
    face = _FaceDrawing(canvas, random)
    face.draw_head()
    face.draw_brows(expression)
    face.draw_eyes(expression)
    face.draw_nose(expression)
    face.draw_mouth(expression)
    lit = canvas * random.uniform(0.75, 1.15) + random.normal(0, 3, canvas.shape)
    return np.asarray(
        cv2.resize(lit.clip(0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA), np.uint8
    )


def write_sample(folder: Path, size: int = 48) -> int:
    """Write the data set as `<folder>/{train,validation,test}/{label}/<name>.png` and return the number of images."""
    written, seed = 0, 0
    for split, count in COUNTS.items():
        for label in EMOTIONS:
            label_folder = Path(folder) / split / label
            label_folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                cv2.imwrite(
                    str(label_folder / f"drawn-{split}-{label}-{number:02}.png"), draw_face(label, seed + number, size)
                )
            written += count
        seed += count
    return written


class _FaceDrawing:
    """A face on a canvas; position, proportions and grey levels are sampled once in the constructor."""

    def __init__(self, canvas: NDArray[np.uint8], random: np.random.Generator) -> None:
        self.canvas = canvas
        self.unit = CANVAS * random.uniform(0.36, 0.42)  # half the face's width
        self.center = CANVAS / 2 + random.uniform(-0.04, 0.04, 2) * CANVAS
        self.skin = int(random.integers(130, 225))
        self.hair = int(random.integers(10, 90))
        self.ink = max(self.skin - 110, 15)
        self.jitter = random.uniform(-0.02, 0.02, 8)
        self.angle = random.uniform(-0.12, 0.12)

    def _at(self, x: float, y: float) -> tuple[int, int]:
        """Convert a point relative to the centre, in half face widths, to pixels, rotated by the head's tilt."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        point = self.center + self.unit * np.array([x * cos - y * sin, x * sin + y * cos])
        return int(point[0]), int(point[1])

    def _ellipse(self, x: float, y: float, wide: float, tall: float, grey: int, thickness: int = -1) -> None:
        axes = (max(int(wide * self.unit), 1), max(int(tall * self.unit), 1))
        cv2.ellipse(self.canvas, self._at(x, y), axes, np.degrees(self.angle), 0, 360, grey, thickness, cv2.LINE_AA)

    def _curve(self, places: list[tuple[float, float]], grey: int, thickness: int) -> None:
        points = np.array([self._at(x, y) for x, y in places], np.int32)
        cv2.polylines(self.canvas, [points], False, grey, thickness, cv2.LINE_AA)

    def draw_head(self) -> None:
        """Draw hair, ears and the face."""
        self._ellipse(0, -0.25, 1.12, 1.22, self.hair)
        for side in (-1, 1):
            self._ellipse(side * 1.0, 0.05, 0.14, 0.24, self.skin - 15)
        self._ellipse(0, 0.1, 1.0, 1.22, self.skin)

    def draw_brows(self, expression: Expression) -> None:
        """Draw both brows."""
        height = -0.38 - expression.brow_height + self.jitter[0]
        for side in (-1, 1):
            inner, outer = (
                (side * 0.18, height - expression.brow_tilt),
                (side * 0.66, height + expression.brow_tilt / 2),
            )
            arch = (side * 0.45, height - 0.07 - expression.brow_height / 3)
            self._curve([inner, arch, outer], self.hair, 6)

    def draw_eyes(self, expression: Expression) -> None:
        """Draw both eyes, white, iris and lid."""
        tall = 0.17 * expression.eye_open
        for side in (-1, 1):
            x, y = side * 0.42, -0.12 + self.jitter[1]
            self._ellipse(x, y, 0.19, tall, 245)
            self._ellipse(x + self.jitter[2], y, min(0.08, tall), min(0.08, tall), 20)
            self._ellipse(x, y, 0.19, tall, self.ink, 2)

    def draw_nose(self, expression: Expression) -> None:
        """Draw the nose, wrinkled or not."""
        self._curve([(-0.02, -0.05), (-0.1, 0.28), (0.08, 0.3)], self.ink, 2)
        if expression.wrinkle:
            for y in (-0.1, 0.0, 0.1):
                self._curve([(-0.14, y), (0.0, y - 0.05), (0.14, y)], self.ink, 2)
            for side in (-1, 1):
                self._curve([(side * 0.16, 0.2), (side * 0.36, 0.42)], self.ink, 3)

    def draw_mouth(self, expression: Expression) -> None:
        """Draw the mouth, open or closed."""
        x = np.linspace(-1, 1, 15)
        width = expression.mouth_width + self.jitter[3]
        lift = 0.1 * (x > 0) * np.abs(x) if expression.wrinkle else np.zeros_like(x)
        line = 0.68 + self.jitter[4] - expression.mouth_curve * (x**2 - 0.5) - lift
        upper, lower = line - expression.mouth_open * (1 - x**2) / 2, line + expression.mouth_open * (1 - x**2)
        outline = [
            self._at(width * a, b) for a, b in [*zip(x, upper, strict=True), *zip(x[::-1], lower[::-1], strict=True)]
        ]
        cv2.fillPoly(self.canvas, [np.array(outline, np.int32)], 40, cv2.LINE_AA)
        self._curve([(width * a, b) for a, b in zip(x, upper, strict=True)], self.ink - 10, 4)
        self._curve([(width * a, b) for a, b in zip(x, lower, strict=True)], self.ink - 10, 4)


def main() -> None:
    """Run the command line: write the sample data set."""
    parser = CommandParser("python -m fer_lib.dataset.synthetic", "Write a sample data set of synthetic faces.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data/sample"))
    folder = parser.parse_words()[0].folder
    print(f"wrote {write_sample(folder)} synthetic faces to {printable(folder)}")


if __name__ == "__main__":
    main()
