"""Evaluation report: all metrics of the predictions of a network for a split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.dataset.votes import MAJORITY, Votes, look_up_votes, read_votes
from fer_lib.evaluate.bootstrap import bootstrap_intervals
from fer_lib.evaluate.flip_rate import measure_flip_rate
from fer_lib.evaluate.latency import measure_latency
from fer_lib.evaluate.predictions import Predictions, open_recognizer, predict_split
from fer_lib.evaluate.robustness import measure_robustness
from fer_lib.evaluate.slices import measure_slices
from fer_lib.evaluate.train_overlap import find_train_duplicates
from fer_lib.metrics import (
    compute_metrics,
    compute_probability_metrics,
    count_confusions,
    coverage_at_accuracy,
    fit_temperature,
    softmax,
    wilson_interval,
)
from fer_lib.settings.evaluation import EvaluationSettings

HEADLINE = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
ACCURACIES = (0.8, 0.9)  # for which the coverage is reported


def evaluate(settings: EvaluationSettings, quiet: bool = False, corruptions: bool = False) -> dict[str, Any]:
    """Evaluate a network on a split: the metrics of `make_report`, perturbation flip rate and latency.

    Args:
        settings: the network, the images and the votes.
        quiet: show no progress bars.
        corruptions: also measure the accuracy on all images under every corruption (takes minutes).

    Raises:
        FileNotFoundError: if weights, images or votes are missing.
        ValueError: if one of them is malformed.
    """
    votes = read_votes(settings.ferplus_csv) if settings.ferplus_csv else {}
    recognizer = open_recognizer(settings.weights)
    predictions = predict_split(recognizer, settings, quiet=quiet)
    duplicates = find_train_duplicates(predictions.split, settings.data_dir, recognizer.spec, quiet)
    validation: Predictions | None = predictions
    if settings.split != "validation":
        exists = (settings.data_dir / "validation").is_dir()
        validation = predict_split(recognizer, settings, "validation", quiet) if exists else None
    measured = measure_flip_rate(recognizer, predictions)
    if corruptions:
        measured["robustness"] = measure_robustness(recognizer, predictions, len(predictions), quiet)
    return {
        "weights": recognizer.weights.path.name,
        "sha256": recognizer.weights.card["sha256"],
        "split": settings.split,
        "flip": settings.flip,
        **make_report(predictions, duplicates, validation, votes),
        **measured,
        "latency_ms": measure_latency(recognizer),
    }


def make_report(
    predictions: Predictions,
    duplicates: NDArray[np.bool_] | None = None,
    validation: Predictions | None = None,
    votes: Votes | None = None,
) -> dict[str, Any]:
    """Compute all metrics that follow from predictions.

    Args:
        predictions: for the evaluated split.
        duplicates: mask `(n,)` of its images with a near duplicate in the training split; `None`: not known.
        validation: predictions that a temperature is fitted on; `None`: none is fitted.
        votes: shares of the FER+ votes for the seven labels, by image name.

    Returns:
        The result of `fer_lib.metrics.compute_metrics` at the card's temperature, with 95 % intervals; the same without
        near duplicates; the calibration at several temperatures; the confusion matrix; the coverage at two accuracies;
        the accuracy on slices; and, with votes, the agreement with their majority.
    """
    report = compute_metrics(predictions.probabilities, predictions.targets)
    report |= bootstrap_intervals(predictions.probabilities, predictions.targets)
    report["broken"] = len(predictions.split.broken)
    report |= score_without_duplicates(predictions, duplicates)
    report["temperature"] = predictions.temperature
    report["calibration"] = compare_temperatures(predictions, validation)
    report["confusions"] = count_confusions(predictions.top1, predictions.targets).tolist()
    report["coverage"] = [
        {"accuracy": one, **coverage_at_accuracy(predictions.probabilities, predictions.targets, one)}
        for one in ACCURACIES
    ]
    report["slices"] = measure_slices(predictions, votes)
    if votes:
        report |= measure_agreement(predictions, votes)
    return report


def score_without_duplicates(predictions: Predictions, duplicates: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Compute the headline metrics without near duplicates of training images; `None` if unknown or no image is left."""
    names = [f"{name}{kind}" for name in HEADLINE for kind in ("", "_ci95")]
    count = {"duplicates": None if duplicates is None else int(duplicates.sum())}
    if duplicates is None or duplicates.all():
        return count | {_without(name): None for name in names}
    probabilities, targets = predictions.probabilities[~duplicates], predictions.targets[~duplicates]
    kept = compute_metrics(probabilities, targets) | bootstrap_intervals(probabilities, targets)
    return count | {_without(name): kept[name] for name in names}


def _without(name: str) -> str:
    stem = name.removesuffix("_ci95")
    return f"{stem}_without_duplicates{name[len(stem) :]}"


def compare_temperatures(predictions: Predictions, validation: Predictions | None) -> dict[str, dict[str, float]]:
    """Compare the calibration without temperature scaling, with the card's temperature, and with a fitted one.

    Returns:
        `raw`, `card` and, with validation predictions to fit on, `fitted`: temperature, nll, brier and ece of each.
    """
    temperatures = {"raw": 1.0, "card": predictions.temperature}
    if validation is not None:
        temperatures["fitted"] = fit_temperature(validation.logits, validation.targets)
    return {
        name: {
            "temperature": value,
            **compute_probability_metrics(softmax(predictions.logits, value), predictions.targets),
        }
        for name, value in temperatures.items()
    }


def measure_agreement(predictions: Predictions, votes: Votes) -> dict[str, Any]:
    """Measure the agreement of the predictions with the majority vote of FER+.

    Only images count for which one label has more than half of the votes for the seven labels.

    Returns:
        The share of them whose top-1 label is that of the majority, its 95 % interval (both `None` without such images),
        and their number.
    """
    shares = look_up_votes(predictions.split.names, votes)
    majority = shares.max(axis=1) > MAJORITY
    n, agreed = int(majority.sum()), int((predictions.top1 == shares.argmax(axis=1))[majority].sum())
    return {
        "ferplus_agreement": agreed / n if n else None,
        "ferplus_agreement_ci95": list(wilson_interval(agreed, n)) if n else None,
        "ferplus_images": n,
    }
