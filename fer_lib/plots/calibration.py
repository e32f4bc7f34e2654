"""How far probabilities can be taken at their word."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from fer_lib.metrics import Reliability
from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure

MORE = "#56B4E9"


def plot_reliability(found: dict[str, Reliability]) -> Figure:
    """Draw how often answers are right against how sure the network was, a panel per title.

    Bars that end on the diagonal are honest: orange is claimed and not kept, light blue is kept and not claimed. The
    small bars below say how many answers are so sure.
    """
    figure, panels = make_figure(2 * len(found), 4.4 * len(found), 4.8, rows=2, heights=(3.6, 1))
    highest = max((one.images.max() / max(one.images.sum(), 1) for one in found.values()), default=1)
    for place, (title, one) in enumerate(found.items()):
        upper, lower = panels[place], panels[len(found) + place]
        _draw_bins(upper, one)
        upper.set_title(title)
        upper.set_ylim(0, 1)
        upper.tick_params(labelbottom=False)
        lower.bar(
            one.edges[:-1], one.images / max(one.images.sum(), 1), np.diff(one.edges) * 0.9, align="edge", color=INK
        )
        lower.set_ylim(0, highest * 1.1)
        lower.set_xlabel("how sure the network is")
        for axes in (upper, lower):
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[0].set_ylabel("how often it is right")
    panels[len(found)].set_ylabel("answers")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, frameon=False, labelcolor=INK, loc="outside lower center", ncols=3)
    return figure


def _draw_bins(axes: Axes, one: Reliability) -> None:
    places: dict[str, Any] = {"x": one.edges[:-1], "width": np.diff(one.edges) * 0.9, "align": "edge"}
    both = np.fmin(one.accuracy, one.confidence)
    axes.bar(height=both, color=ACCENT, label="claimed and right", **places)
    axes.bar(height=one.confidence - both, bottom=both, color=SECOND, label="claimed, but wrong", **places)
    axes.bar(height=one.accuracy - both, bottom=both, color=MORE, label="right more often than claimed", **places)
    axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1)


def plot_coverage(
    thresholds: ArrayLike, coverage: ArrayLike, marks: tuple[float, ...] = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
) -> Figure:
    """Draw the accuracy of the answers that are left when the network may say "uncertain".

    Args:
        thresholds: `(k,)` the confidence from which it answers.
        coverage: `(k, 2)` share of answered images and accuracy among them, as `measure_coverage` returns it.
        marks: the thresholds that are named in the figure.
    """
    levels, curve = np.asarray(thresholds, float), np.asarray(coverage, float)
    figure, (axes,) = make_figure(1, 6, 3.6)
    axes.plot(curve[:, 0], curve[:, 1], color=ACCENT, linewidth=2)
    for mark in marks:
        share, accuracy = curve[np.abs(levels - mark).argmin()]
        if share > 0:
            axes.plot(share, accuracy, "o", color=ACCENT, markersize=5)
            axes.annotate(
                f"{mark:.0%} sure", (share, accuracy), (5, 5), textcoords="offset points", color=INK, fontsize=9
            )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(top=1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("images that get an answer")
    axes.set_ylabel("right among them")
    return figure
