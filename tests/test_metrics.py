"""Our numbers against the library's, and at the edges."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import calibration_error, fit_temperature, score, softmax, wilson_interval


def make_predictions(n: int = 500, sharpness: float = 2.0, seed: int = 0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, 7)) * sharpness
    probabilities = softmax(logits)
    targets = np.array([random.choice(7, p=row) for row in probabilities])
    return logits, probabilities, targets


def test_softmax_empty_and_extreme():
    assert softmax(np.zeros((0, 7))).shape == (0, 7)
    assert softmax(np.array([[1e4, 0, 0, 0, 0, 0, -1e4]]))[0, 0] == 1


def test_score_agrees_with_scikit_learn():
    _, probabilities, targets = make_predictions()
    measured = score(probabilities, targets)
    predictions = probabilities.argmax(axis=1)
    assert measured["accuracy"] == pytest.approx(accuracy_score(targets, predictions))
    assert measured["macro_f1"] == pytest.approx(f1_score(targets, predictions, average="macro"))
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


def test_wilson_interval_known_value():
    assert wilson_interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson_interval(1.0, 10)[1] == pytest.approx(1)
