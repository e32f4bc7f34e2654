"""Marks stand where the numbers say, in the emotions' colours."""

from matplotlib.colors import to_hex

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.plots import plot_groups, plot_scores


def test_plot_scores_two_marks_a_label_in_its_colour():
    per_label = {
        label: {"precision": 0.1 * place, "recall": 0.9 - 0.1 * place, "f1": 0.5}
        for place, label in enumerate(EMOTIONS)
    }
    (axes,) = plot_scores(per_label).axes
    dots, diamonds = axes.collections[::2], axes.collections[1::2]
    for place, label in enumerate(EMOTIONS):
        assert dots[place].get_offsets()[0].tolist() == [per_label[label]["recall"], place]
        assert diamonds[place].get_offsets()[0].tolist() == [per_label[label]["precision"], place]
        assert to_hex(dots[place].get_facecolor()[0]).upper() == EMOTION_COLORS[label]
    assert [text.get_text() for text in axes.texts].count("0.50") == 7


def test_plot_groups_a_panel_an_aspect():
    one = {"images": 1200, "accuracy": 0.5, "accuracy_ci95": [0.4, 0.6]}
    figure = plot_groups({"brightness": {"dark": one, "bright": one}, "contrast": {"flat": one}}, 0.7)
    assert [axes.get_title() for axes in figure.axes] == ["brightness", "contrast"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["dark\n1,200", "bright\n1,200"]
    assert list(figure.axes[1].lines[0].get_xdata()) == [0.4, 0.6]
    assert list(figure.axes[1].lines[-1].get_xdata()) == [0.7, 0.7]
