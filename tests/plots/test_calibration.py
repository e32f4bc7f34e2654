"""Reliability diagrams and accuracy-coverage curves show the given values."""

import numpy as np
import pytest

from fer_lib.metrics import Reliability, measure_coverage
from fer_lib.plots import plot_coverage, plot_reliability


def make_reliability() -> Reliability:
    nan = float("nan")
    return Reliability(
        np.linspace(0, 1, 4), np.array([0, 10, 30]), np.array([nan, 0.6, 0.9]), np.array([nan, 0.8, 0.5])
    )


def test_plot_reliability_over_and_underconfidence():
    figure = plot_reliability({"one": make_reliability(), "two": make_reliability()})
    upper = figure.axes[0]
    within, over, under = (np.nan_to_num([bar.get_height() for bar in bars]) for bars in upper.containers)
    np.testing.assert_allclose(within, [0, 0.6, 0.5])
    np.testing.assert_allclose(over, [0, 0, 0.4])
    np.testing.assert_allclose(under, [0, 0.2, 0])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["one", "two"]
    assert [bar.get_height() for bar in figure.axes[2].patches] == [0, 0.25, 0.75]


def test_plot_coverage_annotates_thresholds_with_coverage():
    probabilities = np.full((4, 7), 0.01)
    probabilities[:, 0] = 0.94, 0.75, 0.65, 0.45
    thresholds = np.linspace(0, 0.99, 100)
    curve = measure_coverage(probabilities, np.array([0, 0, 1, 1]), thresholds)
    (axes,) = plot_coverage(thresholds, curve, marks=(0.4, 0.7, 0.96)).axes
    assert [text.get_text() for text in axes.texts] == ["≥ 40%", "≥ 70%"]
    assert axes.lines[2].get_xydata().tolist() == [[0.5, pytest.approx(1)]]
