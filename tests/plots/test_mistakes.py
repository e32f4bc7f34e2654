"""Each misclassified image is drawn with prediction, label and votes."""

import numpy as np
from matplotlib.colors import to_hex

from fer_lib.labels import EMOTION_COLORS
from fer_lib.plots import plot_mistakes


def make_probabilities(index: int, confidence: float = 0.93):
    probabilities = np.full(7, (1 - confidence) / 6)
    probabilities[index] = confidence
    return probabilities


def test_plot_mistakes_empty():
    assert plot_mistakes(np.zeros((0, 8, 8, 1), np.uint8), np.zeros((0, 7)), np.zeros(0, np.int64)).axes


def test_plot_mistakes_texts_and_colours():
    images, probabilities = np.zeros((2, 8, 8, 1), np.uint8), np.stack([make_probabilities(3), make_probabilities(5)])
    figure = plot_mistakes(images, probabilities, np.array([0, 4]), columns=2)
    first = figure.axes[0]
    assert first.get_title() == "happy 93%"
    assert [text.get_text() for text in first.texts] == ["labelled angry"]
    assert first.texts[0].get_color() == EMOTION_COLORS["angry"]


def test_plot_mistakes_votes_as_stacked_bar():
    votes = np.zeros((1, 7))
    votes[0, [0, 3]] = 0.25, 0.75
    figure = plot_mistakes(
        np.zeros((1, 8, 8, 3), np.uint8), make_probabilities(3)[None], np.array([0]), votes, columns=1
    )
    (bar,) = figure.axes[0].child_axes
    assert [(part.get_x(), part.get_width()) for part in bar.patches] == [(0, 0.25), (0.25, 0.75)]
    assert to_hex(bar.patches[1].get_facecolor()).upper() == EMOTION_COLORS["happy"]
