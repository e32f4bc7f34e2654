"""What all figures have in common: no background, grey ink, no frame, so that they read on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#808080"  # readable on white and on black
ACCENT = "#0072B2"
SECOND = "#D55E00"


def make_figure(
    panels: int, width: float, height: float, rows: int = 1, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Make a figure of `panels`, `width` × `height` inches; return it with its axes, row by row.

    Args:
        panels: how many.
        width: of the whole figure, in inches.
        height: of the whole figure, in inches.
        rows: how many rows they form; what is left over of the last one stays empty.
        heights: of the rows, relative to each other; equal by default.
    """
    figure, grid = plt.subplots(
        rows, -(-panels // rows), figsize=(width, height), squeeze=False, layout="constrained", height_ratios=heights
    )
    figure.patch.set_alpha(0)
    for place, axes in enumerate(grid.flat):
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(INK)
        axes.set_visible(place < panels)
    plt.close(figure)
    return figure, list(grid.flat)[:panels]
