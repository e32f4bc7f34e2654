"""Wrong answers, as pictures."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.image_grids import make_tiles, show_image


def plot_mistakes(
    images: NDArray[np.uint8],
    probabilities: NDArray[np.float64],
    targets: NDArray[np.int64],
    votes: NDArray[np.float32] | None = None,
    columns: int = 8,
) -> Figure:
    """Draw images with what the network says, above, what the label says, below, and what people said, as a bar.

    Args:
        images: `(n, h, w, c)` uint8.
        probabilities: `(n, 7)` of the network.
        targets: `(n,)` places in `EMOTIONS`.
        votes: `(n, 7)` shares of people's votes, rows of zeros where nobody was asked; `None` for nobody at all.
        columns: images in a row.
    """
    rows = max(-(-len(images) // columns), 1)
    figure, grid = make_tiles(rows, columns, 1.4, 2.05)
    shares = np.zeros((len(images), len(EMOTIONS))) if votes is None else votes
    for axes, image, chances, target, people in zip(grid.flat, images, probabilities, targets, shares, strict=False):
        show_image(axes, image)
        said, meant = EMOTIONS[int(chances.argmax())], EMOTIONS[int(target)]
        axes.set_title(f"{said} {chances.max():.0%}", fontsize=9, color=EMOTION_COLORS[said], pad=3)
        below = {"transform": axes.transAxes, "ha": "center", "va": "top", "fontsize": 9}
        axes.text(0.5, -0.12 if people.any() else -0.03, f"labelled {meant}", color=EMOTION_COLORS[meant], **below)
        _draw_votes(axes, people)
    return figure


def _draw_votes(axes: Axes, people: NDArray[np.float32]) -> None:
    """Draw one bar below the image, as wide as it, a piece for each label that people saw."""
    bar = axes.inset_axes((0, -0.1, 1, 0.07))
    bar.axis("off")
    bar.set_xlim(0, 1)
    starts = np.concatenate([[0], np.cumsum(people)[:-1]])
    for label, start, share in zip(EMOTIONS, starts, people, strict=True):
        if share > 0:
            bar.barh(0, share, left=start, color=EMOTION_COLORS[label])
