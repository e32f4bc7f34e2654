"""Our numbers against the library's, and at the edges."""

import warnings

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, balanced_accuracy_score, classification_report, f1_score, log_loss

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import (
    calibration_error,
    count_confusions,
    coverage_at_accuracy,
    fit_offsets,
    fit_temperature,
    judge_probabilities,
    measure_coverage,
    measure_reliability,
    score,
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


def test_score_agrees_with_scikit_learn():
    _, probabilities, targets = make_predictions()
    measured = score(probabilities, targets)
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


def test_score_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        score(np.zeros((0, 7)), np.zeros(0, np.int64))


def test_score_labels_that_do_not_occur_are_left_out_of_averages():
    probabilities = np.eye(7)[[0, 0, 3]] * 0.94 + 0.06 / 7
    measured = score(probabilities, np.array([0, 0, 3]))
    assert measured["macro_f1"] == measured["balanced_accuracy"] == 1


def test_calibration_error_of_honest_and_of_boastful_probabilities():
    logits, probabilities, targets = make_predictions(20_000)
    assert calibration_error(probabilities, targets) < 0.015
    assert calibration_error(softmax(logits * 4), targets) > 0.1


def test_fit_temperature_finds_the_boast():
    logits, _, targets = make_predictions(20_000)
    assert fit_temperature(logits * 3, targets) == pytest.approx(3, rel=0.05)


def test_fit_offsets_finds_what_was_added_and_the_labels_become_as_frequent_as_they_are():
    logits, _, targets = make_predictions(20_000)
    added = np.array([0.5, -1.5, -0.5, 0.25, 1.0, 0.0, 0.25])
    offsets = fit_offsets(logits + added, np.eye(7)[targets])
    np.testing.assert_allclose(offsets, -added, atol=0.1)
    assert offsets.sum() == pytest.approx(0, abs=1e-9)
    shares = softmax(logits + added + offsets).mean(axis=0)
    np.testing.assert_allclose(shares, np.bincount(targets, minlength=7) / len(targets), atol=1e-4)


def test_judge_probabilities_of_certainty_right_and_wrong():
    right = judge_probabilities(np.eye(7, dtype=np.float32), np.arange(7))
    assert right == pytest.approx({"nll": 0, "brier": 0, "ece": 0}, abs=1e-6)
    wrong = judge_probabilities(np.eye(7, dtype=np.float32), (np.arange(7) + 1) % 7)
    assert (wrong["brier"], wrong["ece"]) == pytest.approx((2, 1))
    assert wrong["nll"] > 10


def test_judge_probabilities_brier_is_the_squared_distance():
    _, probabilities, targets = make_predictions()
    expected = ((probabilities - np.eye(7)[targets]) ** 2).sum(axis=1).mean()
    assert judge_probabilities(probabilities, targets)["brier"] == pytest.approx(expected)


def test_judge_probabilities_float32_rows_that_sum_to_nearly_one_do_not_warn():
    _, probabilities, targets = make_predictions()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge_probabilities((probabilities * 1.0005).astype(np.float32), targets)


def test_count_confusions_rows_are_targets():
    counts = count_confusions(np.array([3, 3, 0]), np.array([0, 3, 0]))
    assert (counts[0, 3], counts[0, 0], counts[3, 3], counts.sum()) == (1, 1, 1, 3)


def test_measure_reliability_agrees_with_scikit_learn():
    _, probabilities, targets = make_predictions(3000)
    found = measure_reliability(probabilities, targets)
    right = probabilities.argmax(axis=1) == targets
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15)
    filled = found.images > 0
    assert found.images.sum() == 3000
    assert not filled.all()  # no answer is less sure than one in seven
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], confidence)
    assert np.isnan(found.accuracy[~filled]).all()


def test_measure_reliability_certainty_belongs_to_the_last_bin():
    found = measure_reliability(np.eye(7), np.arange(7), bins=4)
    assert found.images.tolist() == [0, 0, 0, 7]


@pytest.mark.parametrize(
    ("accuracy", "coverage", "confidence"),
    [(0.5, 1, 0.3), (0.6, 1, 0.3), (0.66, 0.6, 0.6), (0.7, 0.2, 0.9), (1, 0.2, 0.9)],
)
def test_coverage_at_accuracy_largest_share_that_reaches_it(accuracy, coverage, confidence):
    top = np.array([0.6, 0.9, 0.3, 0.7, 0.5])  # from the most confident: right, wrong, right, wrong, right
    probabilities = np.column_stack([top, *[(1 - top) / 6] * 6])
    found = coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1, 2]), accuracy)
    assert found == {"coverage": coverage, "confidence": confidence}


def test_coverage_at_accuracy_equal_confidence_is_kept_or_refused_together():
    probabilities = np.tile(np.r_[0.7, np.full(6, 0.05)], (4, 1))
    assert coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1]), 0.75)["coverage"] == 1
    assert coverage_at_accuracy(probabilities, np.array([0, 0, 0, 1]), 0.8) == {"coverage": 0, "confidence": None}


def test_measure_coverage_all_some_none():
    sure = np.full((4, 7), 0.01)
    sure[[0, 1, 2, 3], [0, 1, 2, 3]] = [0.94, 0.8, 0.6, 0.5]
    found = measure_coverage(sure, np.array([0, 1, 6, 6]), np.array([0, 0.6, 0.9, 0.99]))
    assert found[:3].tolist() == [[1, 0.5], [0.75, 2 / 3], [0.25, 1]]
    assert found[3, 0] == 0
    assert np.isnan(found[3, 1])


def test_wilson_interval_known_value():
    assert wilson_interval(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)
    narrow, wide = wilson_interval(50, 100, 0.5), wilson_interval(50, 100, 0.99)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
