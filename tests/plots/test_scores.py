"""Metrics per label and per slice are drawn at the given values."""

from matplotlib.colors import to_hex

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots import plot_label_metrics, plot_slices


def test_plot_label_metrics_two_markers_per_label_in_its_colour():
    per_label = {
        label: {"precision": 0.1 * row, "recall": 0.9 - 0.1 * row, "f1": 0.5} for row, label in enumerate(EMOTIONS)
    }
    (axes,) = plot_label_metrics(per_label).axes
    dots, diamonds = axes.collections[::2], axes.collections[1::2]
    for row, label in enumerate(EMOTIONS):
        assert dots[row].get_offsets()[0].tolist() == [per_label[label]["recall"], row]
        assert diamonds[row].get_offsets()[0].tolist() == [per_label[label]["precision"], row]
        assert to_hex(dots[row].get_facecolor()[0]).upper() == EMOTION_COLORS[label]
    assert [text.get_text() for text in axes.texts].count("0.50") == 7


def test_plot_slices_one_panel_per_aspect():
    one = {"images": 1200, "accuracy": 0.5, "accuracy_ci95": [0.4, 0.6]}
    figure = plot_slices({"brightness": {"dark": one, "bright": one}, "contrast": {"flat": one}}, 0.7)
    assert [axes.get_title() for axes in figure.axes] == ["brightness", "contrast"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["dark\n1,200", "bright\n1,200"]
    assert list(figure.axes[1].lines[0].get_xdata()) == [0.4, 0.6]
    assert list(figure.axes[1].lines[-1].get_xdata()) == [0.7, 0.7]
