"""Common style of the figures: transparent background, grey text, no frame, readable on light and dark pages."""

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
    """Create a figure of `width` × `height` inches with `panels` axes; return it with its axes, row by row.

    Args:
        panels: number of axes.
        width: of the figure, in inches.
        height: of the figure, in inches.
        rows: number of rows; unused axes of the last one are hidden.
        heights: relative heights of the rows; equal by default.
    """
    figure, grid = plt.subplots(
        rows, -(-panels // rows), figsize=(width, height), squeeze=False, layout="constrained", height_ratios=heights
    )
    figure.patch.set_alpha(0)
    for index, axes in enumerate(grid.flat):
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(INK)
        axes.set_visible(index < panels)
    plt.close(figure)
    return figure, list(grid.flat)[:panels]
