"""Captions agree with the metrics that they summarise."""

import re

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate import captions
from fer_lib.evaluate.predictions import Predictions
from fer_lib.evaluate.report import make_report
from fer_lib.labels import EMOTIONS


def make_predictions(top1, targets, logit=4.0) -> Predictions:
    n = len(targets)
    split = Split("test", np.zeros((n, 4, 4, 1), np.uint8), np.array(targets, np.int64), tuple(map(str, range(n))))
    return Predictions(split, (np.eye(7)[top1] * np.reshape(logit, (-1, 1))).astype(np.float32))


def test_summarize_labels_best_and_worst_present_label():
    report = make_report(make_predictions([3, 3, 0, 5], [3, 3, 5, 5]))
    text = captions.summarize_labels(report)
    assert re.search(r"Highest F1: happy \(1\.00\); lowest: sad \(0\.67\)", text)


def test_summarize_confusions_largest_share():
    report = make_report(make_predictions([3, 3, 0, 5, 5, 4], [3, 3, 5, 5, 4, 4]))
    text = captions.summarize_confusions(report)
    assert "50% of the images labelled neutral are predicted as sad" in text


def test_summarize_confusions_none():
    text = captions.summarize_confusions(make_report(make_predictions(range(7), range(7))))
    assert "no confusions" in text


@pytest.mark.parametrize(
    ("interval", "conclusion"), [((0.3, 0.8), "intervals overlap"), ((0.3, 0.6), "do not overlap")]
)
def test_summarize_slices_largest_gap(interval, conclusion):
    def metrics(accuracy, low, high):
        return {"images": 9, "accuracy": accuracy, "accuracy_ci95": [low, high]}

    slices = {
        "brightness": {"dark": metrics(0.6, 0.5, 0.7), "bright": metrics(0.65, 0.5, 0.7)},
        "people": {"disagree": metrics(0.4, *interval), "agree": metrics(0.8, 0.7, 0.9)},
    }
    text = captions.summarize_slices(slices)
    assert "by people: disagree 40%, agree 80%" in text
    assert conclusion in text


def test_summarize_calibration_with_and_without_validation():
    predictions = make_predictions([0, 1, 2, 3], [0, 1, 2, 6])
    report = make_report(predictions, validation=predictions)
    fitted = f"{report['calibration']['fitted']['temperature']:.2f}"
    assert "Fitted" not in captions.summarize_calibration(make_report(predictions))
    assert f"Fitted on the validation images: temperature {fitted}" in captions.summarize_calibration(report)


def test_summarize_coverage_some_and_none():
    predictions = make_predictions([0, 1, 2, 3], [0, 1, 6, 6], logit=[9, 9, 9, 1])
    text = captions.summarize_coverage(predictions, 0.9)
    assert re.search(r"coverage is 75% .* accuracy of 67% against 50%", text)
    assert captions.summarize_coverage(predictions, 0.9999).startswith("No prediction")


def test_summarize_mistakes_with_and_without_votes():
    predictions = make_predictions([3, 3, 3, 3], [3, 4, 5, 5])
    votes = np.zeros((4, 7), np.float32)
    votes[1, 3], votes[2, 5] = 0.8, 0.9
    text = captions.summarize_mistakes(predictions, votes)
    assert text.startswith("3 of 4 predictions")
    assert "Of the 2 with FER+ votes, 50%" in text
    without = captions.summarize_mistakes(predictions, np.zeros((4, 7)))
    assert without.startswith("3 of 4 predictions")
    assert "FER+" not in without


def test_summarize_robustness_first_strength_below_half():
    common = {"unit": "u", "clean_accuracy": 0.8}
    curves = {
        "brightness": {**common, "strengths": [0.1, 1, 2, 3], "accuracy": [0.2, 0.8, 0.7, 0.3]},
        "blur": {**common, "strengths": [0, 1, 2], "accuracy": [0.8, 0.5, 0.2]},
        "tilt": {**common, "strengths": [0, 1], "accuracy": [0.8, 0.7]},
    }
    half = (0.8 + 1 / len(EMOTIONS)) / 2
    assert 0.3 < half < 0.5
    text = captions.summarize_robustness(curves)
    assert text.endswith(": brightness 0.1 and 3 (u), blur 2 (u), tilt: never.")
