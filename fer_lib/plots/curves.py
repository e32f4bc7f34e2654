"""Loss and scores over the epochs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure


def plot_curves(metrics: Sequence[dict[str, Any]]) -> Figure:
    """Draw loss and validation scores over the epochs; each entry is one epoch of `metrics.jsonl`."""
    figure, (left, right) = make_figure(2, 9, 3.2)
    epochs = [line["epoch"] + 1 for line in metrics]
    left.plot(epochs, [line["loss"] for line in metrics], "o-", color=INK, markersize=3, label="training loss")
    left.plot(
        epochs, [line["validation_nll"] for line in metrics], "o-", color=ACCENT, markersize=3, label="validation loss"
    )
    right.plot(
        epochs, [line["validation_accuracy"] for line in metrics], "o-", color=ACCENT, markersize=3, label="accuracy"
    )
    right.plot(
        epochs, [line["validation_macro_f1"] for line in metrics], "o-", color=SECOND, markersize=3, label="macro-F1"
    )
    right.yaxis.set_major_formatter(PercentFormatter(1))
    right.set_title("validation")
    left.set_title("loss")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, labelcolor=INK)
    return figure


class LiveCurves:
    """Curves below a notebook cell that grow with every epoch; give it to `train` as `on_epoch`."""

    def __init__(self, metrics: Sequence[dict[str, Any]] = ()) -> None:
        self.metrics = list(metrics)
        self._handle: Any = None

    def __call__(self, epoch: dict[str, Any]) -> None:
        """Add one epoch and draw again."""
        self.metrics.append(epoch)
        figure = plot_curves(self.metrics)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)
