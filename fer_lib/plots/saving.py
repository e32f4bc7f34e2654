"""Saving of figures as PNG files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from fer_lib.atomic_write import atomic_write

INK = "#404040"  # darker than the grey of `style`, which must be readable on black too


def save_png(figure: Figure, path: Path, dots_per_inch: int = 110) -> None:
    """Write a figure as PNG with a palette on white, atomically; equal figures give equal bytes."""
    figure.patch.set(facecolor="white", alpha=1)
    for text in figure.findobj(Text):
        text.set_color(INK)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch)
    image = Image.open(buffer).convert("RGB").quantize(method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with atomic_write(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)
