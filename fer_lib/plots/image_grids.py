"""Grids of images."""

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
    """Plot images `(n, h, w, c)` in a grid with titles; a title that begins with an emotion has its colour."""
    rows = max(-(-len(images) // columns), 1)
    figure, grid = make_image_grid(rows, columns, 1.35, 1.55)
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        draw_image(axes, image)
        axes.set_title(title, fontsize=9, color=EMOTION_COLORS.get(title.split()[0], INK))
    return figure


def plot_label_grid(faces: Mapping[str, Images]) -> Figure:
    """Plot one row of images `(n, h, w, c)` per label, with the label on the left."""
    columns = max((len(images) for images in faces.values()), default=1)
    figure, grid = make_image_grid(max(len(faces), 1), columns, 0.85, 0.85)
    for row, (label, images) in zip(grid, faces.items(), strict=False):
        for axes, image in zip(row, images, strict=False):
            draw_image(axes, image)
        label_row(row[0], label, EMOTION_COLORS.get(label, INK))
    return figure


def plot_mean_faces(means: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Plot the mean face of each label, `(h, w, c)` in grey levels, and below it its difference from the mean of the labels.

    Red in the lower row: brighter than the mean of the labels; blue: darker.
    """
    overall = np.mean(list(means.values()), axis=0) if means else np.zeros((1, 1, 1))
    differences = {label: (mean - overall).mean(axis=2) for label, mean in means.items()}
    limit = max((float(np.abs(one).max()) for one in differences.values()), default=0.0) or 1.0
    figure, grid = make_image_grid(2, max(len(means), 1), 1.3, 1.4)
    for (top, bottom), (label, mean) in zip(grid.T, means.items(), strict=False):
        draw_image(top, mean.round().astype(np.uint8))
        top.set_title(label, fontsize=10, color=EMOTION_COLORS.get(label, INK))
        bottom.imshow(differences[label], cmap="RdBu_r", vmin=-limit, vmax=limit)
    for axes, text in zip(grid[:, 0], ("mean face", "minus the mean\nof the labels"), strict=True):
        label_row(axes, text)
    return figure


def make_image_grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, NDArray[Any]]:
    """Create a figure of `rows` × `columns` axes without frames, each `width` × `height` inches; return it with its axes."""
    figure, grid = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), squeeze=False, layout="constrained"
    )
    figure.patch.set_alpha(0)
    for axes in grid.flat:
        axes.axis("off")
    plt.close(figure)
    return figure, grid


def draw_image(axes: Axes, image: Images) -> None:
    """Draw one image `(h, w, c)`, grey or RGB."""
    axes.imshow(image.squeeze(axis=2) if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)


def label_row(axes: Axes, text: str, color: str = INK) -> None:
    """Write a label to the left of a row of the grid."""
    axes.annotate(
        text,
        (0, 0.5),
        (-6, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="center",
        color=color,
        fontsize=10,
    )
