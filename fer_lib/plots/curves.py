"""Training curves: loss and validation metrics over the epochs of one or several runs."""

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
    """Plot loss and validation metrics over the epochs; each entry is one epoch of `metrics.jsonl`."""
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
    """Training curves below a notebook cell, updated after every epoch; the `on_epoch` callback of `train`."""

    def __init__(self, metrics: Sequence[dict[str, Any]] = ()) -> None:
        self.metrics = list(metrics)
        self._handle: Any = None

    def __call__(self, epoch: dict[str, Any]) -> None:
        """Add one epoch and update the figure."""
        self.metrics.append(epoch)
        figure = plot_curves(self.metrics)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)


def plot_runs(runs: Mapping[str, Sequence[dict[str, Any]]], kept: Mapping[str, int]) -> Figure:
    """Plot the validation loss and accuracy of several runs, with a dot at the selected epoch of each.

    Args:
        runs: the epochs of each run, from its `metrics.jsonl`, by its name.
        kept: the selected epoch (checkpoint selection) of each run, from 1; not needed for a run without epochs.
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
    """Return a colour for each run, from dark to light in the given order, none of them that of an emotion."""
    positions = np.linspace(0.28, 0.9, max(len(names), 1))
    return {name: to_hex(colormaps["plasma"](position)) for name, position in zip(names, positions, strict=False)}
