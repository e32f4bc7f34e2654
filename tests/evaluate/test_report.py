"""The evaluation report agrees with scikit-learn, with and without near duplicates."""

import csv
import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, log_loss

from fer_lib.dataset.votes import LABEL_OF_VOTE
from fer_lib.evaluate.predictions import predict_split
from fer_lib.evaluate.report import evaluate, make_report, measure_agreement
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import softmax
from fer_lib.settings import EvaluationSettings

REQUIRED = [
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


def make_votes(predictions, shares) -> dict:
    return {name: np.array(share, np.float32) for name, share in zip(predictions.split.names, shares, strict=False)}


def test_make_report_agrees_with_scikit_learn(predictions):
    report = make_report(predictions)
    targets, top1 = predictions.targets, predictions.logits.argmax(axis=1)
    assert report["accuracy"] == pytest.approx(accuracy_score(targets, top1))
    assert report["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(targets, top1))
    assert report["macro_f1"] == pytest.approx(f1_score(targets, top1, average="macro"))
    assert report["nll"] == pytest.approx(log_loss(targets, softmax(predictions.logits, 0.73)))
    assert report["confusions"] == confusion_matrix(targets, top1).tolist()


def test_make_report_without_duplicates(predictions):
    duplicates = predictions.is_correct.copy()
    duplicates[np.flatnonzero(duplicates)[:4]] = False
    kept = ~duplicates
    report = make_report(predictions, duplicates)
    assert report["images"] == 35
    assert report["duplicates"] == duplicates.sum()
    assert report["accuracy_without_duplicates"] == pytest.approx(4 / kept.sum())
    assert report["accuracy_without_duplicates"] < report["accuracy"]


def test_make_report_no_duplicates_gives_equal_metrics(predictions):
    report = make_report(predictions, np.zeros(35, bool))
    assert report["accuracy_without_duplicates"] == report["accuracy"]
    assert report["macro_f1_without_duplicates"] == report["macro_f1"]


@pytest.mark.parametrize(("duplicates", "count"), [(None, None), (np.ones(35, bool), 35)])
def test_make_report_unknown_or_only_duplicates_gives_none(predictions, duplicates, count):
    report = make_report(predictions, duplicates)
    assert report["duplicates"] == count
    assert report["accuracy_without_duplicates"] is None


def test_make_report_temperature_fitted_on_validation(predictions, recognizer, settings):
    validation = predict_split(recognizer, settings, "validation", quiet=True)
    calibration = make_report(predictions, validation=validation)["calibration"]
    assert set(calibration) == {"raw", "card", "fitted"}
    assert (calibration["raw"]["temperature"], calibration["card"]["temperature"]) == (1, 0.73)
    temperatures = np.geomspace(0.1, 10, 400)
    losses = [log_loss(validation.targets, softmax(validation.logits, one)) for one in temperatures]
    assert calibration["fitted"]["temperature"] == pytest.approx(temperatures[np.argmin(losses)], rel=0.02)
    assert calibration["raw"]["nll"] == pytest.approx(log_loss(predictions.targets, softmax(predictions.logits)))


def test_make_report_without_validation_has_no_fitted_temperature(predictions):
    assert set(make_report(predictions)["calibration"]) == {"raw", "card"}


def test_measure_agreement_only_majorities_count(predictions):
    top1 = predictions.top1[:4]
    clear, half = 0.6 * np.eye(7) + 0.4 / 7, 0.5 * np.eye(7) + 0.5 * np.eye(7)[[1, 2, 3, 4, 5, 6, 0]]
    votes = make_votes(predictions, [clear[top1[0]], clear[(top1[1] + 1) % 7], half[top1[2]], clear[top1[3]]])
    agreement = measure_agreement(predictions, votes)
    assert agreement["ferplus_images"] == 3
    assert agreement["ferplus_agreement"] == pytest.approx(2 / 3)
    low, high = agreement["ferplus_agreement_ci95"]
    assert low < 2 / 3 < high


def test_measure_agreement_without_majorities(predictions):
    agreement = measure_agreement(predictions, {})
    assert agreement == {"ferplus_agreement": None, "ferplus_agreement_ci95": None, "ferplus_images": 0}


def test_make_report_agreement_only_with_votes(predictions):
    assert "ferplus_agreement" not in make_report(predictions)
    assert "ferplus_agreement" in make_report(predictions, votes=make_votes(predictions, np.eye(7)))


def test_make_report_coverage_and_slices(predictions):
    report = make_report(predictions, votes=make_votes(predictions, np.eye(7)))
    top, order = predictions.probabilities.max(axis=1), np.argsort(-predictions.probabilities.max(axis=1))
    assert [one["accuracy"] for one in report["coverage"]] == [0.8, 0.9]
    for one in report["coverage"]:
        kept = predictions.is_correct[top >= one["confidence"]]
        assert one["coverage"] == len(kept) / 35
        assert kept.mean() >= one["accuracy"]
        more = predictions.is_correct[order][len(kept) :]
        means = (kept.sum() + more.cumsum()) / (len(kept) + np.arange(1, len(more) + 1))
        assert (means < one["accuracy"]).all()
    assert list(report["slices"]) == ["brightness", "contrast", "people"]
    assert sum(one["images"] for one in report["slices"]["brightness"].values()) == 35


def test_make_report_intervals_contain_their_metrics(predictions):
    report = make_report(predictions, np.arange(35) < 5)
    for kind in ("", "_without_duplicates"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1"):
            low, high = report[f"{name}{kind}_ci95"]
            assert low <= report[f"{name}{kind}"] <= high
        assert len(report[f"ece{kind}_ci95"]) == 2


def test_evaluate_required_keys_and_json_serialisable(settings):
    report = evaluate(settings, quiet=True)
    assert [name for name in REQUIRED if name not in report] == []
    assert (report["images"], report["split"], report["duplicates"]) == (35, "test", 0)
    assert set(report["per_label"]) == set(EMOTIONS)
    assert report["latency_ms"]["median"] > 0
    assert json.loads(json.dumps(report)) == report


def test_evaluate_corruptions_are_optional(settings):
    assert "robustness" not in evaluate(settings, quiet=True)
    curves = evaluate(settings, quiet=True, corruptions=True)["robustness"]
    assert {"gamma", "blur", "JPEG", "face size", "tilt", "occlusion"} <= set(curves)


def test_evaluate_with_votes(settings, predictions, tmp_path):
    with (tmp_path / "votes.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", *(f"votes_{voted}" for voted in LABEL_OF_VOTE)])
        for name, target in zip(predictions.split.names, predictions.targets, strict=True):
            rows.writerow([name, *(9 if label == EMOTIONS[target] else 1 for label in LABEL_OF_VOTE.values())])
    given = EvaluationSettings.load(**{**settings.model_dump(), "ferplus_csv": tmp_path / "votes.csv"})
    report = evaluate(given, quiet=True)
    assert report["ferplus_agreement"] == report["accuracy"]
    assert report["ferplus_images"] == 35


def test_evaluate_validation_split(settings):
    report = evaluate(EvaluationSettings.load(**{**settings.model_dump(), "split": "validation"}), quiet=True)
    assert report["split"] == "validation"
    fitted, raw = report["calibration"]["fitted"], report["calibration"]["raw"]
    assert fitted["nll"] <= raw["nll"]  # fitted on the same images
