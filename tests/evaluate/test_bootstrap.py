"""Bootstrap intervals: reproducible, around the metric, equal to scikit-learn on the same draws."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from fer_lib.evaluate.bootstrap import bootstrap_intervals
from fer_lib.metrics import calibration_error, compute_metrics


def make_predictions(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities `(n, 7)` and targets `(n,)` with an accuracy of about 60 %."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 7, n)
    logits = random.normal(size=(n, 7)) + 2.2 * np.eye(7)[targets]
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), targets


def test_bootstrap_intervals_equal_those_of_scikit_learn_on_the_same_draws():
    probabilities, targets = make_predictions(300)
    predictions = probabilities.argmax(axis=1)
    random, values = np.random.default_rng(5), []
    for _ in range(50):
        rows = random.integers(0, 300, 300)
        values.append(
            [
                balanced_accuracy_score(targets[rows], predictions[rows]),
                f1_score(targets[rows], predictions[rows], average="macro"),
                calibration_error(probabilities[rows], targets[rows]),
            ]
        )
    expected = np.quantile(values, [0.025, 0.975], axis=0).T
    intervals = bootstrap_intervals(probabilities, targets, resamples=50, seed=5)
    assert list(intervals) == ["balanced_accuracy_ci95", "macro_f1_ci95", "ece_ci95"]
    np.testing.assert_allclose(list(intervals.values()), expected)


def test_bootstrap_intervals_reproducible_by_seed():
    probabilities, targets = make_predictions(200)
    assert bootstrap_intervals(probabilities, targets) == bootstrap_intervals(probabilities, targets)
    assert bootstrap_intervals(probabilities, targets, seed=1) != bootstrap_intervals(probabilities, targets)


def test_bootstrap_intervals_contain_the_metric_and_shrink_with_more_images():
    widths = []
    for n in (200, 3200):
        probabilities, targets = make_predictions(n)
        intervals, metrics = bootstrap_intervals(probabilities, targets), compute_metrics(probabilities, targets)
        for name in ("balanced_accuracy", "macro_f1"):
            low, high = intervals[f"{name}_ci95"]
            assert low < metrics[name] < high
        widths.append(np.ptp(intervals["balanced_accuracy_ci95"]))
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.3)


def test_bootstrap_intervals_one_image():
    intervals = bootstrap_intervals(np.eye(7)[[2]], np.array([2]))
    assert intervals == {"balanced_accuracy_ci95": [1, 1], "macro_f1_ci95": [1, 1], "ece_ci95": [0, 0]}
