"""The confusion matrix is normalised by row."""

import numpy as np

from fer_lib.plots import plot_confusions


def test_plot_confusions_normalised_and_empty_rows():
    counts = np.zeros((7, 7), int)
    counts[0, :2] = 3, 1
    (axes,) = plot_confusions(counts.tolist()).axes
    assert [text.get_text() for text in axes.texts][:3] == ["75", "25", "0"]
    np.testing.assert_allclose(axes.images[0].get_array()[0, :2], [0.75, 0.25])
    assert axes.images[0].get_array()[1:].max() == 0
