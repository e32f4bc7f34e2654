"""Bar charts with one bar per emotion."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.style import INK, make_figure


def plot_counts(counts: dict[str, dict[str, int]]) -> Figure:
    """Plot the number of images per label, one panel per split; `counts` is split → label → number."""
    figure, panels = make_figure(len(counts), 3.4 * len(counts), 3)
    for axes, (split, by_label) in zip(panels, counts.items(), strict=True):
        axes.barh(list(EMOTIONS), [by_label.get(label, 0) for label in EMOTIONS], color=list(EMOTION_COLORS.values()))
        axes.invert_yaxis()
        axes.set_title(f"{split}: {sum(by_label.values()):,}")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("images")
    return figure


def plot_recalls(per_label: dict[str, dict[str, float]]) -> Figure:
    """Plot the recall per label; `per_label` is the entry of `fer_lib.metrics.compute_metrics`."""
    figure, (axes,) = make_figure(1, 5, 3)
    values = [per_label[label]["recall"] for label in EMOTIONS]
    bars = axes.barh(list(EMOTIONS), values, color=list(EMOTION_COLORS.values()))
    axes.bar_label(bars, [f"{value:.0%}" for value in values], padding=3, color=INK)
    axes.set_xlim(0, 1.1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    axes.set_title("recall: share of the images with this label that are predicted so")
    return figure
