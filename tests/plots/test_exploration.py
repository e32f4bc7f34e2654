"""Data set figures show the given values."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fer_lib import plots
from fer_lib.dataset.statistics import SAMPLERS, expected_sampling
from fer_lib.labels import EMOTION_COLORS, EMOTIONS


def test_plot_brightness_contrast_one_density_per_label_with_images():
    targets = np.array([0, 0, 3])
    left, right = plots.plot_brightness_contrast(np.array([10.0, 20, 200]), np.array([5.0, 6, 7]), targets).axes
    for axes in (left, right):
        colors = [to_hex(density.get_facecolor()[0]).upper() for density in axes.collections]
        assert colors == [EMOTION_COLORS["angry"], EMOTION_COLORS["happy"]]
    assert [line.get_xdata()[0] for line in left.lines] == [15, 200]
    assert (
        plots.plot_brightness_contrast(np.array([]), np.array([]), np.array([], np.int64)).axes[0].collections[:] == []
    )


def test_plot_brightness_contrast_equal_images_give_a_narrow_density():
    axes = plots.plot_brightness_contrast(np.full(4, 128.0), np.zeros(4), np.zeros(4, np.int64)).axes[0]
    edge = axes.collections[0].get_paths()[0].vertices
    high = edge[edge[:, 1] > 0.4, 0]
    assert 120 < high.min() <= high.max() < 136


def test_plot_leaks_counts_and_shares():
    figure = plots.plot_leaks(["train", "test"], [200, 50], np.array([[4, 2], [5, 0]]))
    train, test = figure.axes
    assert [text.get_text() for text in train.texts] == ["4 (2.0%)", "2 (1.0%)"]
    assert [text.get_text() for text in test.texts] == ["5 (10.0%)", "0 (0.0%)"]
    assert [bar.get_width() for bar in test.patches] == [0.1, 0]


def test_plot_leaks_one_empty_split():
    assert plots.plot_leaks(["train"], [0], np.array([[0]])).axes[0].texts[0].get_text() == "0 (0.0%)"


def test_plot_draws_marker_per_sampler_and_label():
    counts = {"happy": 90, "sad": 10}
    figure = plots.plot_draws({sampler: expected_sampling(counts, sampler) for sampler in SAMPLERS})
    left = figure.axes[0]
    balanced = left.collections[-2].get_offsets()
    assert balanced[:, 0].tolist() == pytest.approx([50, 50])
    assert balanced[:, 1].tolist() == [EMOTIONS.index("happy"), EMOTIONS.index("sad")]
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(SAMPLERS)


def test_plot_agreement_per_cent_of_the_row():
    table = np.zeros((7, 7), np.int64)
    table[3, 3], table[3, 4] = 3, 1
    axes = plots.plot_agreement(table).axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert (texts[3, 3], texts[4, 3], texts[0, 0]) == ("75", "25", "0")
    assert to_hex(axes.get_yticklabels()[3].get_color()).upper() == EMOTION_COLORS["happy"]


def test_plot_label_grid_rows_and_missing_images():
    faces = {"happy": np.zeros((3, 8, 8, 1), np.uint8), "darkest": np.zeros((1, 8, 8, 3), np.uint8)}
    figure = plots.plot_label_grid(faces)
    assert sum(len(axes.images) for axes in figure.axes) == 4
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.texts] == ["happy", "darkest"]
    assert plots.plot_label_grid({}).axes


def test_plot_mean_faces_means_and_differences():
    means = {"happy": np.full((4, 4, 1), 100.0), "sad": np.full((4, 4, 1), 120.0)}
    figure = plots.plot_mean_faces(means)
    happy, sad, below_happy, below_sad = (axes.images[0].get_array() for axes in figure.axes)
    assert (happy.min(), sad.max()) == (100, 120)
    assert (below_happy.max(), below_sad.min()) == (-10, 10)
    assert plots.plot_mean_faces({}).axes


def test_plot_runs_marks_the_selected_epoch():
    line = {"loss": 1.0, "validation_nll": 1.1, "validation_macro_f1": 0.3}
    run = [{**line, "epoch": n, "validation_accuracy": x} for n, x in enumerate((0.2, 0.5, 0.4))]
    figure = plots.plot_runs({"one": run, "empty": []}, {"one": 3})
    curve, dot = figure.axes[1].lines
    assert curve.get_ydata().tolist() == [0.2, 0.5, 0.4]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (3, 0.4)
    assert plots.plot_runs({}, {}).legends == []
