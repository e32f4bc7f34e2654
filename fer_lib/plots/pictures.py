"""Images in a grid."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS
from fer_lib.plots.style import INK


def plot_images(images: NDArray[np.uint8], titles: Sequence[str], columns: int = 8) -> Figure:
    """Draw images `(n, h, w, c)` in a grid, a title above each, in its emotion's colour where it names one."""
    rows = max(-(-len(images) // columns), 1)
    figure, grid = plt.subplots(
        rows, columns, figsize=(1.35 * columns, 1.55 * rows), squeeze=False, layout="constrained"
    )
    figure.patch.set_alpha(0)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=9, color=EMOTION_COLORS.get(title.split()[0], INK))
    plt.close(figure)
    return figure
