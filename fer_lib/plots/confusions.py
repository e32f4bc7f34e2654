"""Which labels are taken for which."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fer_lib.labels import EMOTIONS
from fer_lib.plots.heatmaps import draw_shares
from fer_lib.plots.style import make_figure


def plot_confusions(confusions: ArrayLike) -> Figure:
    """Draw how often each label, a row, is taken for each, a column.

    Args:
        confusions: `(7, 7)` numbers of images, as `fer_lib.metrics.count_confusions` returns them.
    """
    figure, (axes,) = make_figure(1, 6.4, 5)
    draw_shares(axes, np.asarray(confusions, np.int64), EMOTIONS, EMOTIONS)
    axes.set_ylabel("label")
    axes.set_xlabel("what the network says")
    axes.set_title("of the images with this label (a row), so many per cent are taken for …", fontsize=10)
    return figure
