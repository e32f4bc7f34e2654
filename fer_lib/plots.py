"""Numbers become figures. The only room that imports matplotlib; every emotion has its one colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS, EMOTIONS

INK = "#808080"  # readable on white and on black
ACCENT = "#0072B2"
SECOND = "#D55E00"


def plot_counts(counts: dict[str, dict[str, int]]) -> Figure:
    """Draw how many images each label has, a panel per split; `counts` is split → label → number."""
    figure, panels = _figure(len(counts), 3.4 * len(counts), 3)
    for axes, (split, by_label) in zip(panels, counts.items(), strict=True):
        axes.barh(list(EMOTIONS), [by_label.get(label, 0) for label in EMOTIONS], color=list(EMOTION_COLORS.values()))
        axes.invert_yaxis()
        axes.set_title(f"{split}: {sum(by_label.values()):,}")
        axes.set_xlabel("images")
    return figure


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


def plot_curves(metrics: Sequence[dict[str, Any]]) -> Figure:
    """Draw loss and validation scores over the epochs; each entry is one epoch of `metrics.jsonl`."""
    figure, (left, right) = _figure(2, 9, 3.2)
    epochs = [line["epoch"] + 1 for line in metrics]
    left.plot(epochs, [line["loss"] for line in metrics], "o-", color=INK, markersize=3, label="training loss")
    left.plot(
        epochs, [line["validation_nll"] for line in metrics], "o-", color=ACCENT, markersize=3, label="validation loss"
    )
    right.plot(
        epochs, [line["validation_accuracy"] for line in metrics], "o-", color=ACCENT, markersize=3, label="accuracy"
    )
    right.plot(
        epochs, [line["validation_macro_f1"] for line in metrics], "o-", color=SECOND, markersize=3, label="macro-F1"
    )
    right.yaxis.set_major_formatter(PercentFormatter(1))
    right.set_title("validation")
    left.set_title("loss")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, labelcolor=INK)
    return figure


def plot_recalls(per_label: dict[str, dict[str, float]]) -> Figure:
    """Draw the recall of each label, as `fer_lib.metrics.score` returns it."""
    figure, (axes,) = _figure(1, 5, 3)
    values = [per_label[label]["recall"] for label in EMOTIONS]
    bars = axes.barh(list(EMOTIONS), values, color=list(EMOTION_COLORS.values()))
    axes.bar_label(bars, [f"{value:.0%}" for value in values], padding=3, color=INK)
    axes.set_xlim(0, 1.1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    axes.set_title("recall: of the images with this label, how many are found")
    return figure


class LiveCurves:
    """Curves below a notebook cell that grow with every epoch; give it to `train` as `on_epoch`."""

    def __init__(self, metrics: Sequence[dict[str, Any]] = ()) -> None:
        self.metrics = list(metrics)
        self._handle: Any = None

    def __call__(self, epoch: dict[str, Any]) -> None:
        """Add one epoch and draw again."""
        self.metrics.append(epoch)
        figure = plot_curves(self.metrics)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


def _figure(panels: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Make a figure that reads on light and dark pages: no background, grey ink, no frame."""
    figure, grid = plt.subplots(1, panels, figsize=(width, height), squeeze=False, layout="constrained")
    figure.patch.set_alpha(0)
    for axes in grid.flat:
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK)
        axes.xaxis.label.set_color(INK)
        axes.title.set_color(INK)
    plt.close(figure)
    return figure, list(grid.flat)
