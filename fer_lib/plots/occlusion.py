"""Occlusion maps."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS
from fer_lib.plots.style import make_figure

# From transparent to bright: visible on any grey level.
OVERLAY = LinearSegmentedColormap.from_list(
    "occlusion", ["#D55E0000", "#D55E0030", "#D55E0090", "#E8892BC8", "#FFE9A0F0"]
)


def plot_occlusion_maps(maps: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Figure:
    """Plot the mean image of each label with its occlusion map as an overlay: brighter is a larger drop of the probability.

    Args:
        maps: label → image and drop, both `(size, size)`, as `fer_lib.evaluate.occlusion.average_occlusion_maps` returns
            them.
    """
    figure, panels = make_figure(max(len(maps), 1), 1.7 * max(len(maps), 1), 2.1)
    for axes in panels:
        axes.axis("off")
    for axes, (label, (face, drop)) in zip(panels, maps.items(), strict=False):
        positive = np.maximum(drop, 0)
        color = EMOTION_COLORS[label]
        axes.imshow(face, cmap="gray", vmin=0, vmax=255)
        axes.imshow(positive / max(float(positive.max()), 1e-9), cmap=OVERLAY, vmin=0, vmax=1, interpolation="bicubic")
        axes.set_title(label, color=color)
        axes.text(
            0.5,
            -0.05,
            f"up to −{100 * positive.max():.0f} points",
            transform=axes.transAxes,
            ha="center",
            va="top",
            color=color,
            fontsize=9,
        )
    return figure
