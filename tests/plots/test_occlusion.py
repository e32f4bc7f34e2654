"""Occlusion maps are drawn over the mean image."""

import numpy as np

from fer_lib.plots import plot_occlusion_maps


def test_plot_occlusion_maps_overlay_and_largest_drop():
    drop = np.zeros((8, 8), np.float32)
    drop[2, 2], drop[5, 5] = 0.4, -0.9
    figure = plot_occlusion_maps({"happy": (np.full((8, 8), 90, np.float32), drop)})
    (axes,) = figure.axes
    overlay = axes.images[1].get_array()
    assert (overlay[2, 2], overlay[5, 5]) == (1, 0)
    assert axes.get_title() == "happy"
    assert axes.texts[0].get_text() == "up to −40 points"


def test_plot_occlusion_maps_without_labels_and_without_drop():
    assert plot_occlusion_maps({}).axes
    zeros = np.zeros((8, 8), np.float32)
    assert plot_occlusion_maps({"sad": (zeros, zeros)}).axes[0].images[1].get_array().max() == 0
