"""Loss and scores over the epochs of one run, or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import display
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure


def plot_curves(metrics: Sequence[dict[str, Any]]) -> Figure:
    """Draw loss and validation scores over the epochs; each entry is one epoch of `metrics.jsonl`."""
    figure, (left, right) = make_figure(2, 9, 3.2)
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


def plot_runs(runs: Mapping[str, Sequence[dict[str, Any]]], kept: Mapping[str, int]) -> Figure:
    """Draw the validation loss and accuracy of several runs, the epoch that each kept with a dot.

    Args:
        runs: the epochs of each run, as they stand in its `metrics.jsonl`, by its name.
        kept: the epoch whose network each run kept, from 1; a run without epochs has none.
    """
    figure, (left, right) = make_figure(2, 11, 3.4)
    colors = run_colors(list(runs))
    for name, metrics in runs.items():
        if metrics:
            epochs = [line["epoch"] + 1 for line in metrics]
            left.plot(
                epochs, [line["validation_nll"] for line in metrics], color=colors[name], linewidth=1.8, marker="."
            )
            accuracies = [line["validation_accuracy"] for line in metrics]
            right.plot(epochs, accuracies, color=colors[name], linewidth=1.8, marker=".", label=name)
            right.plot(kept[name], accuracies[epochs.index(kept[name])], "o", color=colors[name], markersize=6)
    left.set_title("validation loss")
    right.set_title("validation accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if right.lines:
        figure.legend(frameon=False, labelcolor=INK, fontsize=8, loc="outside right upper")
    return figure


def run_colors(names: Sequence[str]) -> dict[str, str]:
    """Give each run a colour, from dark to light in their order, none of them an emotion's."""
    places = np.linspace(0.28, 0.9, max(len(names), 1))
    return {name: to_hex(colormaps["plasma"](place)) for name, place in zip(names, places, strict=False)}
