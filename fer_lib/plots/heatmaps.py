"""Heat maps of shares by label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.style import INK, make_figure

# One hue from dark to light, opaque, so that it is the same on white and on black pages.
SHARE_COLORS = LinearSegmentedColormap.from_list("shares", ["#1B2A3A", "#1F5C8B", "#56B4E9", "#E3F4FC"])


def plot_agreement(table: NDArray[np.int64]) -> Figure:
    """Plot the agreement of labels and FER+ votes: `(7, 7)` images by label and by the emotion with most votes."""
    figure, (axes,) = make_figure(1, 6.4, 5)
    draw_shares(axes, table, EMOTIONS, EMOTIONS)
    axes.set_ylabel("label")
    axes.set_xlabel("emotion with most votes")
    axes.set_title("majority votes in % of the images with this label (row)", fontsize=10)
    return figure


def draw_shares(axes: Axes, table: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str]) -> None:
    """Draw counts `(n, m)` in per cent of their row, tick labels in the colours of the emotions; empty rows are dark."""
    totals = table.sum(axis=1, keepdims=True)
    shares = table / np.maximum(totals, 1)
    axes.imshow(shares, cmap=SHARE_COLORS, vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        color = "black" if share > 0.45 else "white"
        axes.text(column, row, f"{share:.0%}".rstrip("%"), ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        tick.set_color(EMOTION_COLORS.get(tick.get_text(), INK))
