"""What the network needs glows on the mean face."""

import numpy as np

from fer_lib.plots import plot_attention


def test_plot_attention_a_face_a_label_and_the_most_that_is_lost():
    drop = np.zeros((8, 8), np.float32)
    drop[2, 2], drop[5, 5] = 0.4, -0.9
    figure = plot_attention({"happy": (np.full((8, 8), 90, np.float32), drop)})
    (axes,) = figure.axes
    glow = axes.images[1].get_array()
    assert (glow[2, 2], glow[5, 5]) == (1, 0)
    assert axes.get_title() == "happy"
    assert axes.texts[0].get_text() == "up to −40 points"


def test_plot_attention_without_labels_and_without_drop():
    assert plot_attention({}).axes
    zeros = np.zeros((8, 8), np.float32)
    assert plot_attention({"sad": (zeros, zeros)}).axes[0].images[1].get_array().max() == 0
