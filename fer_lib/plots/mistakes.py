"""Grid of misclassified images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.image_grids import draw_image, make_image_grid


def plot_mistakes(
    images: NDArray[np.uint8],
    probabilities: NDArray[np.float64],
    targets: NDArray[np.int64],
    votes: NDArray[np.float32] | None = None,
    columns: int = 8,
) -> Figure:
    """Plot misclassified images: prediction with confidence above, label below, and the FER+ votes as a stacked bar.

    Args:
        images: `(n, h, w, c)` uint8.
        probabilities: `(n, 7)`, rows sum to 1.
        targets: `(n,)` indices in `EMOTIONS`.
        votes: `(n, 7)` shares of the FER+ votes, rows of zeros for images without votes; `None`: no votes.
        columns: images per row.
    """
    rows = max(-(-len(images) // columns), 1)
    figure, grid = make_image_grid(rows, columns, 1.4, 2.05)
    shares = np.zeros((len(images), len(EMOTIONS))) if votes is None else votes
    for axes, image, row, target, voted in zip(grid.flat, images, probabilities, targets, shares, strict=False):
        draw_image(axes, image)
        predicted, label = EMOTIONS[int(row.argmax())], EMOTIONS[int(target)]
        axes.set_title(f"{predicted} {row.max():.0%}", fontsize=9, color=EMOTION_COLORS[predicted], pad=3)
        below = {"transform": axes.transAxes, "ha": "center", "va": "top", "fontsize": 9}
        axes.text(0.5, -0.12 if voted.any() else -0.03, f"labelled {label}", color=EMOTION_COLORS[label], **below)
        _draw_votes(axes, voted)
    return figure


def _draw_votes(axes: Axes, shares: NDArray[np.float32]) -> None:
    """Draw the shares of the votes `(7,)` as one stacked bar below the image, as wide as it."""
    bar = axes.inset_axes((0, -0.1, 1, 0.07))
    bar.axis("off")
    bar.set_xlim(0, 1)
    starts = np.concatenate([[0], np.cumsum(shares)[:-1]])
    for label, start, share in zip(EMOTIONS, starts, shares, strict=True):
        if share > 0:
            bar.barh(0, share, left=start, color=EMOTION_COLORS[label])
