"""Calibration figures: reliability diagram and accuracy-coverage curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from fer_lib.metrics import Reliability
from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure

UNDERCONFIDENT = "#56B4E9"


def plot_reliability(diagrams: dict[str, Reliability]) -> Figure:
    """Plot reliability diagrams, accuracy against confidence, one panel per title.

    Calibrated bars end on the diagonal: orange is overconfidence, light blue is underconfidence. The histogram below each
    diagram is the distribution of the confidence.
    """
    figure, panels = make_figure(2 * len(diagrams), 4.4 * len(diagrams), 4.8, rows=2, heights=(3.6, 1))
    highest = max((one.images.max() / max(one.images.sum(), 1) for one in diagrams.values()), default=1)
    for index, (title, one) in enumerate(diagrams.items()):
        upper, lower = panels[index], panels[len(diagrams) + index]
        _draw_bins(upper, one)
        upper.set_title(title)
        upper.set_ylim(0, 1)
        upper.tick_params(labelbottom=False)
        lower.bar(
            one.edges[:-1], one.images / max(one.images.sum(), 1), np.diff(one.edges) * 0.9, align="edge", color=INK
        )
        lower.set_ylim(0, highest * 1.1)
        lower.set_xlabel("confidence (top-1 probability)")
        for axes in (upper, lower):
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[0].set_ylabel("accuracy")
    panels[len(diagrams)].set_ylabel("predictions")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, frameon=False, labelcolor=INK, loc="outside lower center", ncols=3)
    return figure


def _draw_bins(axes: Axes, one: Reliability) -> None:
    bars: dict[str, Any] = {"x": one.edges[:-1], "width": np.diff(one.edges) * 0.9, "align": "edge"}
    both = np.fmin(one.accuracy, one.confidence)
    axes.bar(height=both, color=ACCENT, label="accuracy within confidence", **bars)
    axes.bar(height=one.confidence - both, bottom=both, color=SECOND, label="overconfident", **bars)
    axes.bar(height=one.accuracy - both, bottom=both, color=UNDERCONFIDENT, label="underconfident", **bars)
    axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1)


def plot_coverage(
    thresholds: ArrayLike, coverage: ArrayLike, marks: tuple[float, ...] = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
) -> Figure:
    """Plot accuracy against coverage when predictions below a confidence threshold are rejected.

    Args:
        thresholds: `(k,)` confidence thresholds.
        coverage: `(k, 2)` share of accepted images and accuracy among them, as `measure_coverage` returns it.
        marks: thresholds annotated in the figure.
    """
    levels, curve = np.asarray(thresholds, float), np.asarray(coverage, float)
    figure, (axes,) = make_figure(1, 6, 3.6)
    axes.plot(curve[:, 0], curve[:, 1], color=ACCENT, linewidth=2)
    for mark in marks:
        share, accuracy = curve[np.abs(levels - mark).argmin()]
        if share > 0:
            axes.plot(share, accuracy, "o", color=ACCENT, markersize=5)
            axes.annotate(f"≥ {mark:.0%}", (share, accuracy), (5, 5), textcoords="offset points", color=INK, fontsize=9)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(top=1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("coverage: images with an accepted prediction")
    axes.set_ylabel("accuracy of accepted predictions")
    return figure
