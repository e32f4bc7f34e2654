"""Answers become the numbers that we judge a network by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.dataset.votes import read_votes
from fer_lib.evaluate.bootstrap import bootstrap_intervals
from fer_lib.evaluate.flip_rate import measure_flips
from fer_lib.evaluate.latency import measure_latency
from fer_lib.evaluate.predictions import Answers, answer_split, open_recognizer
from fer_lib.evaluate.robustness import measure_robustness
from fer_lib.evaluate.slices import measure_groups
from fer_lib.evaluate.train_overlap import find_training_copies
from fer_lib.evaluate.votes import Votes, look_up_votes
from fer_lib.metrics import (
    count_confusions,
    coverage_at_accuracy,
    fit_temperature,
    judge_probabilities,
    score,
    softmax,
    wilson_interval,
)
from fer_lib.settings.evaluation import EvaluationSettings

CLEAR = 0.5  # share of the votes above which a majority is clear
HEADLINE = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
ACCURACIES = (0.8, 0.9)  # for which the coverage is reported


def evaluate(settings: EvaluationSettings, quiet: bool = False, corruptions: bool = False) -> dict[str, Any]:
    """Evaluate a network on a split: the metrics of `make_report`, flip rate and latency.

    Args:
        settings: the network, the images and the votes.
        quiet: show no progress bars.
        corruptions: measure the accuracy on all images under every corruption too (some minutes).

    Raises:
        FileNotFoundError: if weights, images or votes are missing.
        ValueError: if one of them is not what it should be.
    """
    votes = read_votes(settings.ferplus_csv) if settings.ferplus_csv else {}
    recognizer = open_recognizer(settings.weights)
    answers = answer_split(recognizer, settings, quiet=quiet)
    copies = find_training_copies(answers.split, settings.data_dir, recognizer.spec, quiet)
    validation: Answers | None = answers
    if settings.split != "validation":
        is_there = (settings.data_dir / "validation").is_dir()
        validation = answer_split(recognizer, settings, "validation", quiet) if is_there else None
    measured = measure_flips(recognizer, answers)
    if corruptions:
        measured["robustness"] = measure_robustness(recognizer, answers, len(answers), quiet)
    return {
        "weights": recognizer.weights.path.name,
        "sha256": recognizer.weights.card["sha256"],
        "split": settings.split,
        "flip": settings.flip,
        **make_report(answers, copies, validation, votes),
        **measured,
        "latency_ms": measure_latency(recognizer),
    }


def make_report(
    answers: Answers,
    copies: NDArray[np.bool_] | None = None,
    validation: Answers | None = None,
    votes: Votes | None = None,
) -> dict[str, Any]:
    """Compute everything that answers can tell.

    Args:
        answers: to the split that is judged.
        copies: which of its images stand in the training split too, `(n,)`; `None`: not known.
        validation: the answers that a temperature is fitted on; `None`: none is.
        votes: FER+ shares of the seven labels, by image name.

    Returns:
        What `fer_lib.metrics.score` returns, with the card's temperature, and 95 % intervals; the same without copies;
        the calibration at several temperatures; the confusions; the coverage at two accuracies; the accuracy on slices;
        and, with votes, the agreement with their majority.
    """
    report = score(answers.probabilities, answers.targets)
    report |= bootstrap_intervals(answers.probabilities, answers.targets)
    report["broken"] = len(answers.split.broken)
    report |= score_without_copies(answers, copies)
    report["temperature"] = answers.temperature
    report["calibration"] = compare_temperatures(answers, validation)
    report["confusions"] = count_confusions(answers.predictions, answers.targets).tolist()
    report["coverage"] = [
        {"accuracy": one, **coverage_at_accuracy(answers.probabilities, answers.targets, one)} for one in ACCURACIES
    ]
    report["slices"] = measure_groups(answers, votes)
    if votes:
        report |= measure_agreement(answers, votes)
    return report


def score_without_copies(answers: Answers, copies: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Score the images without near copies in the training split; `None` where that is not known or none are left."""
    names = [f"{name}{kind}" for name in HEADLINE for kind in ("", "_ci95")]
    left = {"duplicates": None if copies is None else int(copies.sum())}
    if copies is None or copies.all():
        return left | {_without(name): None for name in names}
    probabilities, targets = answers.probabilities[~copies], answers.targets[~copies]
    kept = score(probabilities, targets) | bootstrap_intervals(probabilities, targets)
    return left | {_without(name): kept[name] for name in names}


def _without(name: str) -> str:
    stem = name.removesuffix("_ci95")
    return f"{stem}_without_duplicates{name[len(stem) :]}"


def compare_temperatures(answers: Answers, validation: Answers | None) -> dict[str, dict[str, float]]:
    """Judge the probabilities as the network learned them, with the card's temperature, and with one fitted anew.

    Returns:
        `raw`, `card` and, where there are validation answers to fit on, `fitted`: temperature, nll, brier and ece.
    """
    temperatures = {"raw": 1.0, "card": answers.temperature}
    if validation is not None:
        temperatures["fitted"] = fit_temperature(validation.logits, validation.targets)
    return {
        name: {"temperature": value, **judge_probabilities(softmax(answers.logits, value), answers.targets)}
        for name, value in temperatures.items()
    }


def measure_agreement(answers: Answers, votes: Votes) -> dict[str, Any]:
    """Compare predictions with what most people saw (FER+).

    Only images count on which one label got more than half of the votes that went to any of the seven.

    Returns:
        The share of them on which the network says that label, its 95 % interval, and their number; the share is
        `None` if there are none.
    """
    shares = look_up_votes(answers.split.names, votes)
    clear = shares.max(axis=1) > CLEAR
    n, right = int(clear.sum()), int((answers.predictions == shares.argmax(axis=1))[clear].sum())
    return {
        "ferplus_agreement": right / n if n else None,
        "ferplus_agreement_ci95": list(wilson_interval(right, n)) if n else None,
        "ferplus_images": n,
    }
