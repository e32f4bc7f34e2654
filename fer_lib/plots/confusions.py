"""Confusion matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fer_lib.labels import EMOTIONS
from fer_lib.plots.heatmaps import draw_shares
from fer_lib.plots.style import make_figure


def plot_confusions(confusions: ArrayLike) -> Figure:
    """Plot a confusion matrix with normalised rows.

    Args:
        confusions: `(7, 7)` counts, targets in rows, predictions in columns, as `fer_lib.metrics.count_confusions` returns them.
    """
    figure, (axes,) = make_figure(1, 6.4, 5)
    draw_shares(axes, np.asarray(confusions, np.int64), EMOTIONS, EMOTIONS)
    axes.set_ylabel("label")
    axes.set_xlabel("prediction")
    axes.set_title("predictions in % of the images with this label (row)", fontsize=10)
    return figure
