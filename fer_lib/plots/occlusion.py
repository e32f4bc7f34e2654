"""Where a network looks."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS
from fer_lib.plots.style import make_figure

# From nothing to bright: visible on any grey.
GLOW = LinearSegmentedColormap.from_list("glow", ["#D55E0000", "#D55E0030", "#D55E0090", "#E8892BC8", "#FFE9A0F0"])


def plot_attention(maps: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Figure:
    """Draw the mean face of each label, and on it what the network needs to see: the brighter, the more.

    Args:
        maps: label → face and drop, `(size, size)` both, as `fer_lib.evaluate.occlusion.measure_attention` returns them.
    """
    figure, panels = make_figure(max(len(maps), 1), 1.7 * max(len(maps), 1), 2.1)
    for axes in panels:
        axes.axis("off")
    for axes, (label, (face, drop)) in zip(panels, maps.items(), strict=False):
        needed = np.maximum(drop, 0)
        color = EMOTION_COLORS[label]
        axes.imshow(face, cmap="gray", vmin=0, vmax=255)
        axes.imshow(needed / max(float(needed.max()), 1e-9), cmap=GLOW, vmin=0, vmax=1, interpolation="bicubic")
        axes.set_title(label, color=color)
        axes.text(
            0.5,
            -0.05,
            f"up to −{100 * needed.max():.0f} points",
            transform=axes.transAxes,
            ha="center",
            va="top",
            color=color,
            fontsize=9,
        )
    return figure
