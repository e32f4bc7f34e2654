"""The robustness figure has one panel per corruption with equally spaced strengths."""

from fer_lib.plots import plot_robustness


def make_curve(k: int) -> dict:
    return {
        "unit": "pixels",
        "strengths": [48, 7.5, 5][:k],
        "accuracy": [0.6, 0.5, 0.4][:k],
        "accuracy_ci95": [[0.5, 0.7], [0.4, 0.6], [0.3, 0.5]][:k],
        "clean_accuracy": 0.6,
    }


def test_plot_robustness_panels_and_strengths():
    figure = plot_robustness({"face size": make_curve(3), "blur": make_curve(2), "tilt": make_curve(3)})
    visible = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in visible] == ["face size", "blur", "tilt"]
    curve = visible[0].lines[-1]
    assert curve.get_xydata().tolist() == [[0, 0.6], [1, 0.5], [2, 0.4]]
    assert [tick.get_text() for tick in visible[0].get_xticklabels()] == ["48", "7.5", "5"]
    assert visible[0].get_xlabel() == "pixels"
