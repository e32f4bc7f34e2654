"""How good a network is at each label, and in each group of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.style import ACCENT, INK, make_figure


def plot_scores(per_label: dict[str, dict[str, Any]]) -> Figure:
    """Draw precision and recall of each label, as `fer_lib.metrics.score` returns them, and write its F1."""
    figure, (axes,) = make_figure(1, 7.6, 3.6)
    for place, label in enumerate(EMOTIONS):
        values, color = per_label[label], EMOTION_COLORS[label]
        axes.plot([values["precision"], values["recall"]], [place, place], color=color, linewidth=2, zorder=1)
        axes.scatter(values["recall"], place, 60, color=color, zorder=2)
        axes.scatter(values["precision"], place, 60, color=color, marker="D", zorder=2)
        axes.text(1.1, place, f"{values['f1']:.2f}", va="center", ha="center", color=color)
    axes.text(1.1, -0.9, "F1", va="center", ha="center", color=INK)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    for tick, label in zip(axes.get_yticklabels(), EMOTIONS, strict=True):
        tick.set_color(EMOTION_COLORS[label])
    axes.set_xlim(0, 1.14)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    kinds = {"o": "recall: how many with this label are found", "D": "precision: how many named so are right"}
    handles = [Line2D([], [], color=INK, marker=marker, linestyle="", label=text) for marker, text in kinds.items()]
    figure.legend(handles=handles, frameon=False, labelcolor=INK, loc="outside lower center", ncols=2)
    return figure


def plot_groups(groups: dict[str, dict[str, dict[str, Any]]], overall: float) -> Figure:
    """Draw the accuracy in groups of images with its 95 % interval, as `fer_lib.evaluate.slices` measures it.

    Args:
        groups: aspect → group → images, accuracy, accuracy_ci95.
        overall: the accuracy on all images, a dashed line.
    """
    figure, panels = make_figure(len(groups), 3.5 * len(groups), 2.4)
    for axes, (aspect, members) in zip(panels, groups.items(), strict=True):
        for place, values in enumerate(members.values()):
            axes.plot(values["accuracy_ci95"], [place, place], color=ACCENT, linewidth=2)
            axes.plot(values["accuracy"], place, "o", color=ACCENT, markersize=7)
        axes.axvline(overall, color=INK, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(members)), [f"{group}\n{values['images']:,}" for group, values in members.items()])
        axes.set_ylim(len(members) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_title(aspect)
    return figure
