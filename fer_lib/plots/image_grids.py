"""Images in grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS
from fer_lib.plots.style import INK

Images = NDArray[np.uint8]


def plot_images(images: Images, titles: Sequence[str], columns: int = 8) -> Figure:
    """Draw images `(n, h, w, c)` in a grid, a title above each, in its emotion's colour where it names one."""
    rows = max(-(-len(images) // columns), 1)
    figure, grid = make_tiles(rows, columns, 1.35, 1.55)
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        show_image(axes, image)
        axes.set_title(title, fontsize=9, color=EMOTION_COLORS.get(title.split()[0], INK))
    return figure


def plot_label_grid(faces: Mapping[str, Images]) -> Figure:
    """Draw a row of images `(n, h, w, c)` for each label, its name before it."""
    columns = max((len(images) for images in faces.values()), default=1)
    figure, grid = make_tiles(max(len(faces), 1), columns, 0.85, 0.85)
    for row, (label, images) in zip(grid, faces.items(), strict=False):
        for axes, image in zip(row, images, strict=False):
            show_image(axes, image)
        name_row(row[0], label, EMOTION_COLORS.get(label, INK))
    return figure


def plot_mean_faces(means: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw the mean face of each label, `(h, w, c)` in grey levels, and below it how it differs from all of them.

    Where the lower row is warm the label is brighter than the labels on average, where it is cold it is darker.
    """
    everyone = np.mean(list(means.values()), axis=0) if means else np.zeros((1, 1, 1))
    apart = {label: (mean - everyone).mean(axis=2) for label, mean in means.items()}
    reach = max((float(np.abs(one).max()) for one in apart.values()), default=0.0) or 1.0
    figure, grid = make_tiles(2, max(len(means), 1), 1.3, 1.4)
    for (top, bottom), (label, mean) in zip(grid.T, means.items(), strict=False):
        show_image(top, mean.round().astype(np.uint8))
        top.set_title(label, fontsize=10, color=EMOTION_COLORS.get(label, INK))
        bottom.imshow(apart[label], cmap="RdBu_r", vmin=-reach, vmax=reach)
    for axes, words in zip(grid[:, 0], ("mean face", "minus the mean\nof the labels"), strict=True):
        name_row(axes, words)
    return figure


def make_tiles(rows: int, columns: int, width: float, height: float) -> tuple[Figure, NDArray[Any]]:
    """Make a figure of `rows` × `columns` bare axes, each `width` × `height` inches; return it with its axes."""
    figure, grid = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), squeeze=False, layout="constrained"
    )
    figure.patch.set_alpha(0)
    for axes in grid.flat:
        axes.axis("off")
    plt.close(figure)
    return figure, grid


def show_image(axes: Axes, image: Images) -> None:
    """Draw one image `(h, w, c)`, grey or RGB."""
    axes.imshow(image.squeeze(axis=2) if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)


def name_row(axes: Axes, words: str, color: str = INK) -> None:
    """Write words to the left of a row of tiles."""
    axes.annotate(
        words,
        (0, 0.5),
        (-6, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="center",
        color=color,
        fontsize=10,
    )
