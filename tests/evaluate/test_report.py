"""The report says what scikit-learn says, about the right images."""

import csv
import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, log_loss

from fer_lib.dataset.votes import LABEL_OF_VOTE
from fer_lib.evaluate.predictions import answer_split
from fer_lib.evaluate.report import evaluate, make_report, measure_agreement
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import softmax
from fer_lib.settings import EvaluationSettings

PROMISED = [
    "images",
    "accuracy",
    "accuracy_ci95",
    "accuracy_without_duplicates",
    "balanced_accuracy",
    "macro_f1",
    "ece",
    "nll",
    "brier",
    "per_label",
]


def make_votes(answers, shares) -> dict:
    return {name: np.array(share, np.float32) for name, share in zip(answers.split.names, shares, strict=False)}


def test_make_report_agrees_with_scikit_learn(answers):
    report = make_report(answers)
    targets, predictions = answers.targets, answers.logits.argmax(axis=1)
    assert report["accuracy"] == pytest.approx(accuracy_score(targets, predictions))
    assert report["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(targets, predictions))
    assert report["macro_f1"] == pytest.approx(f1_score(targets, predictions, average="macro"))
    assert report["nll"] == pytest.approx(log_loss(targets, softmax(answers.logits, 0.73)))
    assert report["confusions"] == confusion_matrix(targets, predictions).tolist()


def test_make_report_leaves_copies_out(answers):
    copies = answers.is_right.copy()
    copies[np.flatnonzero(copies)[:4]] = False
    kept = ~copies
    report = make_report(answers, copies)
    assert report["images"] == 35
    assert report["duplicates"] == copies.sum()
    assert report["accuracy_without_duplicates"] == pytest.approx(4 / kept.sum())
    assert report["accuracy_without_duplicates"] < report["accuracy"]


def test_make_report_without_copies_nothing_changes(answers):
    report = make_report(answers, np.zeros(35, bool))
    assert report["accuracy_without_duplicates"] == report["accuracy"]
    assert report["macro_f1_without_duplicates"] == report["macro_f1"]


@pytest.mark.parametrize(("copies", "duplicates"), [(None, None), (np.ones(35, bool), 35)])
def test_make_report_says_nothing_about_copies_where_it_can_not(answers, copies, duplicates):
    report = make_report(answers, copies)
    assert report["duplicates"] == duplicates
    assert report["accuracy_without_duplicates"] is None


def test_make_report_fits_the_temperature_on_validation(answers, recognizer, settings):
    validation = answer_split(recognizer, settings, "validation", quiet=True)
    found = make_report(answers, validation=validation)["calibration"]
    assert set(found) == {"raw", "card", "fitted"}
    assert (found["raw"]["temperature"], found["card"]["temperature"]) == (1, 0.73)
    temperatures = np.geomspace(0.1, 10, 400)
    losses = [log_loss(validation.targets, softmax(validation.logits, one)) for one in temperatures]
    assert found["fitted"]["temperature"] == pytest.approx(temperatures[np.argmin(losses)], rel=0.02)
    assert found["raw"]["nll"] == pytest.approx(log_loss(answers.targets, softmax(answers.logits)))


def test_make_report_without_validation_fits_nothing(answers):
    assert set(make_report(answers)["calibration"]) == {"raw", "card"}


def test_measure_agreement_counts_clear_majorities_only(answers):
    said = answers.predictions[:4]
    clear, half = 0.6 * np.eye(7) + 0.4 / 7, 0.5 * np.eye(7) + 0.5 * np.eye(7)[[1, 2, 3, 4, 5, 6, 0]]
    votes = make_votes(answers, [clear[said[0]], clear[(said[1] + 1) % 7], half[said[2]], clear[said[3]]])
    found = measure_agreement(answers, votes)
    assert found["ferplus_images"] == 3
    assert found["ferplus_agreement"] == pytest.approx(2 / 3)
    low, high = found["ferplus_agreement_ci95"]
    assert low < 2 / 3 < high


def test_measure_agreement_nobody_agrees_on_anything(answers):
    found = measure_agreement(answers, {})
    assert found == {"ferplus_agreement": None, "ferplus_agreement_ci95": None, "ferplus_images": 0}


def test_make_report_mentions_votes_only_when_given(answers):
    assert "ferplus_agreement" not in make_report(answers)
    assert "ferplus_agreement" in make_report(answers, votes=make_votes(answers, np.eye(7)))


def test_make_report_coverage_and_slices(answers):
    report = make_report(answers, votes=make_votes(answers, np.eye(7)))
    top, order = answers.probabilities.max(axis=1), np.argsort(-answers.probabilities.max(axis=1))
    assert [one["accuracy"] for one in report["coverage"]] == [0.8, 0.9]
    for one in report["coverage"]:
        kept = answers.is_right[top >= one["confidence"]]
        assert one["coverage"] == len(kept) / 35
        assert kept.mean() >= one["accuracy"]
        more = answers.is_right[order][len(kept) :]
        means = (kept.sum() + more.cumsum()) / (len(kept) + np.arange(1, len(more) + 1))
        assert (means < one["accuracy"]).all()
    assert list(report["slices"]) == ["brightness", "contrast", "people"]
    assert sum(one["images"] for one in report["slices"]["brightness"].values()) == 35


def test_make_report_intervals_contain_their_metrics(answers):
    report = make_report(answers, np.arange(35) < 5)
    for kind in ("", "_without_duplicates"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1"):
            low, high = report[f"{name}{kind}_ci95"]
            assert low <= report[f"{name}{kind}"] <= high
        assert len(report[f"ece{kind}_ci95"]) == 2


def test_evaluate_says_what_is_promised_and_fits_into_json(settings):
    report = evaluate(settings, quiet=True)
    assert [name for name in PROMISED if name not in report] == []
    assert (report["images"], report["split"], report["duplicates"]) == (35, "test", 0)
    assert set(report["per_label"]) == set(EMOTIONS)
    assert report["latency_ms"]["median"] > 0
    assert json.loads(json.dumps(report)) == report


def test_evaluate_corruptions_only_when_asked_for(settings):
    assert "robustness" not in evaluate(settings, quiet=True)
    curves = evaluate(settings, quiet=True, corruptions=True)["robustness"]
    assert {"gamma", "blur", "JPEG", "face size", "tilt", "occlusion"} <= set(curves)


def test_evaluate_with_votes(settings, answers, tmp_path):
    with (tmp_path / "votes.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", *(f"votes_{voted}" for voted in LABEL_OF_VOTE)])
        for name, target in zip(answers.split.names, answers.targets, strict=True):
            rows.writerow([name, *(9 if label == EMOTIONS[target] else 1 for label in LABEL_OF_VOTE.values())])
    given = EvaluationSettings.load(**{**settings.model_dump(), "ferplus_csv": tmp_path / "votes.csv"})
    report = evaluate(given, quiet=True)
    assert report["ferplus_agreement"] == report["accuracy"]
    assert report["ferplus_images"] == 35


def test_evaluate_on_validation_judges_validation(settings):
    report = evaluate(EvaluationSettings.load(**{**settings.model_dump(), "split": "validation"}), quiet=True)
    assert report["split"] == "validation"
    fitted, raw = report["calibration"]["fitted"], report["calibration"]["raw"]
    assert fitted["nll"] <= raw["nll"]  # fitted on the very same images
