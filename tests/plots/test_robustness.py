"""A panel per disturbance, its steps equally far apart."""

from fer_lib.plots import plot_robustness


def make_curve(k: int) -> dict:
    return {
        "unit": "pixels",
        "strengths": [48, 7.5, 5][:k],
        "accuracy": [0.6, 0.5, 0.4][:k],
        "accuracy_ci95": [[0.5, 0.7], [0.4, 0.6], [0.3, 0.5]][:k],
        "undisturbed": 0.6,
    }


def test_plot_robustness_panels_and_steps():
    figure = plot_robustness({"face size": make_curve(3), "blur": make_curve(2), "tilt": make_curve(3)})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["face size", "blur", "tilt"]
    curve = shown[0].lines[-1]
    assert curve.get_xydata().tolist() == [[0, 0.6], [1, 0.5], [2, 0.4]]
    assert [tick.get_text() for tick in shown[0].get_xticklabels()] == ["48", "7.5", "5"]
    assert shown[0].get_xlabel() == "pixels"
