"""Accuracy against the strength of corruptions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from fer_lib.labels import EMOTIONS
from fer_lib.plots.style import ACCENT, INK, make_figure

ROWS = 2


def plot_robustness(curves: dict[str, dict[str, Any]]) -> Figure:
    """Plot accuracy against strength, one panel per corruption.

    The measured strengths are equally spaced on the axis. Dashed: clean accuracy; dotted: chance level.

    Args:
        curves: as `fer_lib.evaluate.robustness.measure_robustness` returns them.
    """
    columns = -(-len(curves) // ROWS)
    figure, panels = make_figure(len(curves), 3 * columns, 5, rows=ROWS)
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.06)
    highest = max((curve["clean_accuracy"] for curve in curves.values()), default=1)
    for index, (axes, (name, curve)) in enumerate(zip(panels, curves.items(), strict=True)):
        steps, interval = np.arange(len(curve["strengths"])), np.asarray(curve["accuracy_ci95"])
        axes.axhline(curve["clean_accuracy"], color=INK, linewidth=1, linestyle="--")
        axes.axhline(1 / len(EMOTIONS), color=INK, linewidth=1, linestyle=":")
        axes.fill_between(steps, interval[:, 0], interval[:, 1], color=ACCENT, alpha=0.25, linewidth=0)
        axes.plot(steps, curve["accuracy"], "o-", color=ACCENT, markersize=4)
        axes.set_xticks(steps, [f"{strength:g}" for strength in curve["strengths"]])
        axes.set_ylim(0, min(highest + 0.15, 1.02))
        axes.yaxis.set_major_locator(MultipleLocator(0.2))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(axis="y", color=INK, alpha=0.2, linewidth=0.6)
        axes.set_title(name)
        axes.set_xlabel(curve["unit"])
        if index % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("accuracy")
    return figure
