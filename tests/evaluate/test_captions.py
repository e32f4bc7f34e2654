"""Sentences about figures say what the numbers say."""

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate import captions as findings
from fer_lib.evaluate.predictions import Answers
from fer_lib.evaluate.report import make_report
from fer_lib.labels import EMOTIONS


def make_answers(predictions, targets, sure=4.0) -> Answers:
    n = len(targets)
    split = Split("test", np.zeros((n, 4, 4, 1), np.uint8), np.array(targets, np.int64), tuple(map(str, range(n))))
    return Answers(split, (np.eye(7)[predictions] * np.reshape(sure, (-1, 1))).astype(np.float32))


def test_describe_labels_best_and_worst_of_those_that_occur():
    report = make_report(make_answers([3, 3, 0, 5], [3, 3, 5, 5]))
    assert findings.describe_labels(report) == "It knows happy best (F1 1.00) and sad least (F1 0.67)."


def test_describe_confusions_the_most_frequent_share():
    report = make_report(make_answers([3, 3, 0, 5, 5, 4], [3, 3, 5, 5, 4, 4]))
    assert findings.describe_confusions(report).startswith("Most often, neutral is taken for sad: 50%")


def test_describe_confusions_none():
    assert findings.describe_confusions(make_report(make_answers(range(7), range(7)))) == "It confuses nothing."


@pytest.mark.parametrize(
    ("interval", "verdict"), [((0.3, 0.8), "may be chance"), ((0.3, 0.6), "more than chance explains")]
)
def test_describe_groups_the_widest_gap(interval, verdict):
    def group(accuracy, low, high):
        return {"images": 9, "accuracy": accuracy, "accuracy_ci95": [low, high]}

    groups = {
        "brightness": {"dark": group(0.6, 0.5, 0.7), "bright": group(0.65, 0.5, 0.7)},
        "people": {"disagree": group(0.4, *interval), "agree": group(0.8, 0.7, 0.9)},
    }
    said = findings.describe_groups(groups)
    assert said.startswith("The widest gap is in people: disagree 40%, agree 80%;")
    assert verdict in said


def test_describe_calibration_with_and_without_validation():
    answers = make_answers([0, 1, 2, 3], [0, 1, 2, 6])
    assert "anew" not in findings.describe_calibration(make_report(answers))
    assert "anew" in findings.describe_calibration(make_report(answers, validation=answers))


def test_describe_coverage_some_and_none():
    answers = make_answers([0, 1, 2, 3], [0, 1, 6, 6], sure=[9, 9, 9, 1])
    said = findings.describe_coverage(answers, 0.9)
    assert "answers on 75% of the images and is right on 67% of those, against 50% of all" in said
    assert findings.describe_coverage(answers, 0.9999) == "It is never 100% sure."


def test_describe_mistakes_people_take_sides():
    answers = make_answers([3, 3, 3, 3], [3, 4, 5, 5])
    people = np.zeros((4, 7), np.float32)
    people[1, 3], people[2, 5] = 0.8, 0.9
    said = findings.describe_mistakes(answers, people)
    assert (
        said == "3 of 4 answers differ from the label. Of the 2 with FER+ votes, people side with the network on 50%."
    )
    assert findings.describe_mistakes(answers, np.zeros((4, 7))) == "3 of 4 answers differ from the label."


def test_describe_robustness_names_the_first_strength_that_costs_half():
    usual = {"unit": "u", "undisturbed": 0.8}
    curves = {
        "brightness": {**usual, "strengths": [0.1, 1, 2, 3], "accuracy": [0.2, 0.8, 0.7, 0.3]},
        "blur": {**usual, "strengths": [0, 1, 2], "accuracy": [0.8, 0.5, 0.2]},
        "tilt": {**usual, "strengths": [0, 1], "accuracy": [0.8, 0.7]},
    }
    half = (0.8 + 1 / len(EMOTIONS)) / 2
    assert 0.3 < half < 0.5
    said = findings.describe_robustness(curves)
    assert (
        said == "Half of what it knows beyond guessing is lost at: brightness 0.1 and 3 (u), blur 2 (u), tilt: never."
    )
