"""Figures show the given values in the colours of the emotions."""

import numpy as np
from matplotlib.colors import to_hex

from fer_lib import plots
from fer_lib.labels import EMOTION_COLORS, EMOTIONS


def test_plot_counts_one_bar_per_label_in_its_colour():
    figure = plots.plot_counts({"train": {"happy": 5}})
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [5 if label == "happy" else 0 for label in EMOTIONS]
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars] == list(EMOTION_COLORS.values())


def test_plot_images_empty_and_two():
    assert plots.plot_images(np.zeros((0, 8, 8, 1), np.uint8), []).axes
    figure = plots.plot_images(np.zeros((2, 8, 8, 1), np.uint8), ["happy", "sad"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["happy", "sad"]


def test_live_curves_add_epochs():
    line = {"epoch": 0, "loss": 1.0, "validation_nll": 1.1, "validation_accuracy": 0.4, "validation_macro_f1": 0.3}
    curves = plots.LiveCurves()
    curves(line)
    curves({**line, "epoch": 1})
    assert len(curves.metrics) == 2
    assert plots.plot_curves(curves.metrics).axes[0].lines[0].get_xdata().tolist() == [1, 2]


def test_plot_recalls_percentages():
    figure = plots.plot_recalls({label: {"recall": 0.5} for label in EMOTIONS})
    assert [text.get_text() for text in figure.axes[0].texts] == ["50%"] * 7
