"""What all figures have in common: no background, grey ink, no frame, so that they read on light and dark pages."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#808080"  # readable on white and on black
ACCENT = "#0072B2"
SECOND = "#D55E00"


def make_figure(panels: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Make a figure of `panels` side by side, `width` × `height` inches; return it with its axes."""
    figure, grid = plt.subplots(1, panels, figsize=(width, height), squeeze=False, layout="constrained")
    figure.patch.set_alpha(0)
    for axes in grid.flat:
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK)
        axes.xaxis.label.set_color(INK)
        axes.title.set_color(INK)
    plt.close(figure)
    return figure, list(grid.flat)
