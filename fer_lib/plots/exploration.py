"""Data set figures: brightness and contrast, near duplicates across splits, sampling of the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots.style import INK, SECOND, make_figure

MARKERS = ("o", "D", "s")


def plot_brightness_contrast(
    brightness: NDArray[np.float64], contrast: NDArray[np.float64], targets: NDArray[np.int64]
) -> Figure:
    """Plot the distributions of brightness and contrast, `(n,)` in grey levels, per label; a tick is the median."""
    figure, (left, right) = make_figure(2, 9, 3.6)
    _draw_ridges(left, brightness, targets, 255)
    _draw_ridges(right, contrast, targets, 128)
    left.set_title("brightness")
    left.set_xlabel("mean grey level")
    right.set_title("contrast")
    right.set_xlabel("standard deviation of the grey levels")
    right.set_yticklabels([])
    return figure


def plot_leaks(names: Sequence[str], sizes: Sequence[int], leaks: NDArray[np.int64]) -> Figure:
    """Plot the share of each split with near duplicates in each split (from `count_leaks`); leakage across splits in orange.

    Args:
        names: of the splits.
        sizes: images of each.
        leaks: `(splits, splits)` images of the row's split with a near duplicate in the column's.
    """
    figure, panels = make_figure(len(names), 3.2 * len(names), 0.9 + 0.35 * len(names))
    shares = leaks / np.maximum(np.array(sizes), 1)[:, None]
    for index, (axes, name) in enumerate(zip(panels, names, strict=True)):
        colors = [INK if other == index else SECOND for other in range(len(names))]
        bars = axes.barh(list(names), shares[index], color=colors, height=0.6)
        texts = [f"{count:,} ({share:.1%})" for count, share in zip(leaks[index], shares[index], strict=True)]
        axes.bar_label(bars, texts, padding=3, color=INK)
        axes.set_xlim(0, max(float(shares.max()), 0.02) * 1.6)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.invert_yaxis()
        axes.set_title(f"near duplicates of {name} images in …", fontsize=11)
        if index:
            axes.set_yticklabels([])
    return figure


def plot_draws(draws: Mapping[str, Any]) -> Figure:
    """Plot the images of each label per epoch and the draws per image, for each sampler.

    Args:
        draws: `fer_lib.dataset.statistics.SamplingStatistics` by the sampler's name.
    """
    figure, (left, right) = make_figure(2, 9, 3.6)
    for axes, values in (
        (left, {sampler: one.images for sampler, one in draws.items()}),
        (right, {sampler: one.times for sampler, one in draws.items()}),
    ):
        _draw_dumbbells(axes, values)
    left.set_title("images of the label in an epoch")
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter("{x:,.0f}")
    right.set_title("draws of one image in an epoch")
    right.axvline(1, color=INK, linewidth=0.8, linestyle=":", zorder=0)
    right.set_xscale("log", base=2)
    low, high = right.get_xlim()
    right.set_xlim(min(low, 0.45), max(high, 2.2))
    right.xaxis.set_major_formatter("{x:g}×")
    right.set_yticklabels([])
    left.legend(frameon=False, labelcolor=INK, title="sampler").get_title().set_color(INK)
    return figure


def _draw_ridges(axes: Axes, values: NDArray[np.float64], targets: NDArray[np.int64], limit: float) -> None:
    """Draw a ridgeline plot: one kernel density estimate per label, one above the other."""
    grid = np.linspace(0, limit, 257)
    for target, label in enumerate(EMOTIONS):
        selected = values[targets == target]
        if not len(selected):
            continue
        bandwidth = max(1.06 * float(selected.std()) * len(selected) ** -0.2, limit / 100)  # Silverman's rule
        counts = np.histogram(selected, np.append(grid, limit * 2 - grid[-2]))[0]
        kernel = np.exp(-0.5 * ((grid[:, None] - grid[None]) / bandwidth) ** 2)
        density = kernel @ counts
        base = -float(target)
        axes.fill_between(
            grid, base, base + 0.85 * density / density.max(), color=EMOTION_COLORS[label], alpha=0.85, lw=0
        )
        axes.plot([np.median(selected)] * 2, [base, base + 0.3], color="white", lw=2)
    axes.set_xlim(0, limit)
    axes.set_yticks([-float(target) for target in range(len(EMOTIONS))], EMOTIONS)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_dumbbells(axes: Axes, values: Mapping[str, Mapping[str, float]]) -> None:
    """Draw a dumbbell plot: the values of each label, one marker per sampler, connected by a line."""
    for row, label in enumerate(EMOTIONS):
        xs = [by_label[label] for by_label in values.values() if label in by_label]
        axes.plot(xs, [row] * len(xs), color=EMOTION_COLORS[label], linewidth=2.5, alpha=0.5)
    for (sampler, by_label), marker in zip(values.items(), MARKERS, strict=False):
        rows = [row for row, label in enumerate(EMOTIONS) if label in by_label]
        colors = [EMOTION_COLORS[EMOTIONS[row]] for row in rows]
        axes.scatter([by_label[EMOTIONS[row]] for row in rows], rows, c=colors, marker=marker, s=36, zorder=3)
        axes.scatter([], [], color=INK, marker=marker, s=36, label=sampler)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.invert_yaxis()
