"""Metrics against scikit-learn as the oracle, and edge cases."""

import warnings

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, balanced_accuracy_score, classification_report, f1_score, log_loss

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import (
    calibration_error,
    compute_metrics,
    compute_probability_metrics,
    count_confusions,
    coverage_at_accuracy,
    fit_offsets,
    fit_temperature,
    measure_coverage,
    measure_reliability,
    softmax,
    wilson_interval,
)


def make_predictions(n: int = 500, sharpness: float = 2.0, seed: int = 0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, 7)) * sharpness
    probabilities = softmax(logits)
    targets = np.array([random.choice(7, p=row) for row in probabilities])
    return logits, probabilities, targets


def test_softmax_empty() -> None:
    assert softmax(np.zeros((0, 7), np.float32)).shape == (0, 7)


def test_softmax_known_values() -> None:
    np.testing.assert_allclose(softmax(np.log([[1, 2, 5]])), [[0.125, 0.25, 0.625]], rtol=1e-6)
    np.testing.assert_allclose(softmax(np.log([[1, 4, 25]]), temperature=2), [[0.125, 0.25, 0.625]], rtol=1e-6)


@pytest.mark.parametrize("size", [1e4, 1e30, -1e30])
def test_softmax_does_not_overflow(size: float) -> None:
    probabilities = softmax(np.array([[size, 0, 0], [size, size, size]], np.float32), temperature=0.01)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_compute_metrics_agrees_with_scikit_learn():
    _, probabilities, targets = make_predictions()
    measured = compute_metrics(probabilities, targets)
    predictions = probabilities.argmax(axis=1)
    assert measured["accuracy"] == pytest.approx(accuracy_score(targets, predictions))
    assert measured["macro_f1"] == pytest.approx(f1_score(targets, predictions, average="macro"))
    assert measured["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(targets, predictions))
    assert measured["nll"] == pytest.approx(log_loss(targets, probabilities))
    report = classification_report(targets, predictions, target_names=EMOTIONS, output_dict=True)
    for label in EMOTIONS:
        ours = [measured["per_label"][label][name] for name in ("precision", "recall", "f1", "images")]
        assert ours == pytest.approx([report[label][name] for name in ("precision", "recall", "f1-score", "support")])
    assert tuple(measured["per_label"]) == EMOTIONS
    low, high = measured["accuracy_ci95"]
    assert low < measured["accuracy"] < high


def test_compute_metrics_empty_raises():
    with pytest.raises(ValueError, match=r"`probabilities` and `targets` must have .* at least one, but got 0 and 0"):
        compute_metrics(np.zeros((0, 7)), np.zeros(0, np.int64))


def test_compute_metrics_averages_over_present_labels():
    probabilities = np.eye(7)[[0, 0, 3]] * 0.94 + 0.06 / 7
    measured = compute_metrics(probabilities, np.array([0, 0, 3]))
    assert measured["macro_f1"] == measured["balanced_accuracy"] == 1


def test_calibration_error_calibrated_and_overconfident():
    logits, probabilities, targets = make_predictions(20_000)
    assert calibration_error(probabilities, targets) < 0.015
    assert calibration_error(softmax(logits * 4), targets) > 0.1


def test_fit_temperature_recovers_the_scale():
    logits, _, targets = make_predictions(20_000)
    assert fit_temperature(logits * 3, targets) == pytest.approx(3, rel=0.05)


def test_fit_offsets_recovers_the_offsets_and_the_label_frequencies():
    logits, _, targets = make_predictions(20_000)
    added = np.array([0.5, -1.5, -0.5, 0.25, 1.0, 0.0, 0.25])
    offsets = fit_offsets(logits + added, np.eye(7)[targets])
    np.testing.assert_allclose(offsets, -added, atol=0.1)
    assert offsets.sum() == pytest.approx(0, abs=1e-9)
    shares = softmax(logits + added + offsets).mean(axis=0)
    np.testing.assert_allclose(shares, np.bincount(targets, minlength=7) / len(targets), atol=1e-4)


def test_compute_probability_metrics_one_hot_correct_and_wrong():
    correct = compute_probability_metrics(np.eye(7, dtype=np.float32), np.arange(7))
    assert correct == pytest.approx({"nll": 0, "brier": 0, "ece": 0}, abs=1e-6)
    wrong = compute_probability_metrics(np.eye(7, dtype=np.float32), (np.arange(7) + 1) % 7)
    assert (wrong["brier"], wrong["ece"]) == pytest.approx((2, 1))
    assert wrong["nll"] > 10


def test_compute_probability_metrics_brier_is_the_squared_distance():
    _, probabilities, targets = make_predictions()
    expected = ((probabilities - np.eye(7)[targets]) ** 2).sum(axis=1).mean()
    assert compute_probability_metrics(probabilities, targets)["brier"] == pytest.approx(expected)


def test_compute_probability_metrics_unnormalised_float32_rows_without_warning():
    _, probabilities, targets = make_predictions()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute_probability_metrics((probabilities * 1.0005).astype(np.float32), targets)


def test_count_confusions_rows_are_targets():
    counts = count_confusions(np.array([3, 3, 0]), np.array([0, 3, 0]))
    assert (counts[0, 3], counts[0, 0], counts[3, 3], counts.sum()) == (1, 1, 1, 3)


def test_measure_reliability_agrees_with_scikit_learn():
    _, probabilities, targets = make_predictions(3000)
    binned = measure_reliability(probabilities, targets)
    correct = probabilities.argmax(axis=1) == targets
    accuracy, confidence = calibration_curve(correct, probabilities.max(axis=1), n_bins=15)
    filled = binned.images > 0
    assert binned.images.sum() == 3000
    assert not filled.all()  # no top-1 probability is below 1/7
    np.testing.assert_allclose(binned.accuracy[filled], accuracy)
    np.testing.assert_allclose(binned.confidence[filled], confidence)
    assert np.isnan(binned.accuracy[~filled]).all()


def test_measure_reliability_confidence_of_one_in_the_last_bin():
    binned = measure_reliability(np.eye(7), np.arange(7), bins=4)
    assert binned.images.tolist() == [0, 0, 0, 7]


@pytest.mark.parametrize(
    ("accuracy", "coverage", "confidence"),
    [(0.5, 1, 0.3), (0.6, 1, 0.3), (0.66, 0.6, 0.6), (0.7, 0.2, 0.9), (1, 0.2, 0.9)],
)
def test_coverage_at_accuracy_largest_coverage(accuracy, coverage, confidence):
    top = np.array([0.6, 0.9, 0.3, 0.7, 0.5])  # most confident first: correct, wrong, correct, wrong, correct
    probabilities = np.column_stack([top, *[(1 - top) / 6] * 6])
    coverage_point = coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1, 2]), accuracy)
    assert coverage_point == {"coverage": coverage, "confidence": confidence}


def test_coverage_at_accuracy_ties_accepted_or_rejected_together():
    probabilities = np.tile(np.r_[0.7, np.full(6, 0.05)], (4, 1))
    assert coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1]), 0.75)["coverage"] == 1
    assert coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1]), 0.8) == {"coverage": 0, "confidence": None}


def test_measure_coverage_all_some_none():
    probabilities = np.full((4, 7), 0.01)
    probabilities[[0, 1, 2, 3], [0, 1, 2, 3]] = [0.94, 0.8, 0.6, 0.5]
    curve = measure_coverage(probabilities, np.array([0, 1, 6, 6]), np.array([0, 0.6, 0.9, 0.99]))
    assert curve[:3].tolist() == [[1, 0.5], [0.75, 2 / 3], [0.25, 1]]
    assert curve[3, 0] == 0
    assert np.isnan(curve[3, 1])


def test_wilson_interval_known_value():
    assert wilson_interval(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)
    narrow, wide = wilson_interval(50, 100, 0.5), wilson_interval(50, 100, 0.99)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
