"""Metrics per label and per slice."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.style import ACCENT, INK, make_figure


def plot_label_metrics(per_label: dict[str, dict[str, Any]]) -> Figure:
    """Plot precision and recall per label, with F1 as text; `per_label` is the entry of `compute_metrics`."""
    figure, (axes,) = make_figure(1, 7.6, 3.6)
    for row, label in enumerate(EMOTIONS):
        values, color = per_label[label], EMOTION_COLORS[label]
        axes.plot([values["precision"], values["recall"]], [row, row], color=color, linewidth=2, zorder=1)
        axes.scatter(values["recall"], row, 60, color=color, zorder=2)
        axes.scatter(values["precision"], row, 60, color=color, marker="D", zorder=2)
        axes.text(1.1, row, f"{values['f1']:.2f}", va="center", ha="center", color=color)
    axes.text(1.1, -0.9, "F1", va="center", ha="center", color=INK)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    for tick, label in zip(axes.get_yticklabels(), EMOTIONS, strict=True):
        tick.set_color(EMOTION_COLORS[label])
    axes.set_xlim(0, 1.14)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    kinds = {
        "o": "recall: correct share of the images",
        "D": "precision: correct share of the predictions",
    }
    handles = [Line2D([], [], color=INK, marker=marker, linestyle="", label=text) for marker, text in kinds.items()]
    figure.legend(handles=handles, frameon=False, labelcolor=INK, loc="outside lower center", ncols=2)
    return figure


def plot_slices(slices: dict[str, dict[str, dict[str, Any]]], overall: float) -> Figure:
    """Plot the accuracy on slices of the images with its 95 % interval, one panel per aspect.

    Args:
        slices: aspect → slice → images, accuracy, accuracy_ci95, as `fer_lib.evaluate.slices.measure_slices` returns them.
        overall: accuracy on all images, drawn as a dashed line.
    """
    figure, panels = make_figure(len(slices), 3.5 * len(slices), 2.4)
    for axes, (aspect, members) in zip(panels, slices.items(), strict=True):
        for row, values in enumerate(members.values()):
            axes.plot(values["accuracy_ci95"], [row, row], color=ACCENT, linewidth=2)
            axes.plot(values["accuracy"], row, "o", color=ACCENT, markersize=7)
        axes.axvline(overall, color=INK, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(members)), [f"{name}\n{values['images']:,}" for name, values in members.items()])
        axes.set_ylim(len(members) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_title(aspect)
    return figure
