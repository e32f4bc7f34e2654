"""Captions of the figures in notebook 03, computed from the results, so that they are correct for every network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.evaluate.predictions import Predictions
from fer_lib.evaluate.slices import Slices
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import measure_coverage


def summarize_labels(report: dict[str, Any]) -> str:
    """Name the labels with the highest and the lowest F1."""
    f1 = {label: values["f1"] for label, values in report["per_label"].items() if values["images"]}
    best, worst = max(f1, key=f1.__getitem__), min(f1, key=f1.__getitem__)
    return f"Highest F1: {best} ({f1[best]:.2f}); lowest: {worst} ({f1[worst]:.2f})."


def summarize_confusions(report: dict[str, Any]) -> str:
    """Name the largest off-diagonal share of the confusion matrix, rows normalised."""
    counts = np.array(report["confusions"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    if not shares.any():
        return "There are no confusions."
    label, predicted = (EMOTIONS[index] for index in np.unravel_index(shares.argmax(), shares.shape))
    return f"Most frequent confusion: {shares.max():.0%} of the images labelled {label} are predicted as {predicted}."


def summarize_slices(slices: Slices) -> str:
    """Name the two slices of one aspect with the largest accuracy gap, and whether their intervals overlap."""
    gaps = {}
    for aspect, members in slices.items():
        ranked = sorted(members, key=lambda name: members[name]["accuracy"])
        gaps[aspect] = (members[ranked[-1]]["accuracy"] - members[ranked[0]]["accuracy"], ranked[0], ranked[-1])
    aspect = max(gaps, key=lambda name: gaps[name][0])
    _, worst, best = gaps[aspect]
    low, high = slices[aspect][worst], slices[aspect][best]
    overlap = low["accuracy_ci95"][1] >= high["accuracy_ci95"][0]
    conclusion = "the intervals overlap, so it may be chance" if overlap else "the intervals do not overlap"
    return f"Largest gap, by {aspect}: {worst} {low['accuracy']:.0%}, {best} {high['accuracy']:.0%}; {conclusion}."


def summarize_calibration(report: dict[str, Any]) -> str:
    """State the calibration error without temperature, with that of the card, and with a fitted one if there is one."""
    raw, card = report["calibration"]["raw"], report["calibration"]["card"]
    text = (
        f"Expected calibration error: {raw['ece']:.1%} without temperature scaling, {card['ece']:.1%} with the "
        f"temperature of the card, {card['temperature']:.2f}."
    )
    if "fitted" not in report["calibration"]:
        return text
    fitted = report["calibration"]["fitted"]
    return (
        f"{text} Fitted on the validation images: temperature {fitted['temperature']:.2f}, error {fitted['ece']:.1%}."
    )


def summarize_coverage(predictions: Predictions, threshold: float) -> str:
    """State coverage and selective accuracy at a confidence threshold, and the accuracy on all images."""
    share, accuracy = measure_coverage(predictions.probabilities, predictions.targets, np.array([threshold]))[0]
    if share == 0:
        return f"No prediction has a confidence of {threshold:.0%} or more."
    return (
        f"At a confidence threshold of {threshold:.0%}, the coverage is {share:.0%} of the images, with an accuracy of "
        f"{accuracy:.0%} against {predictions.is_correct.mean():.0%} on all."
    )


def summarize_mistakes(predictions: Predictions, votes: NDArray[np.float32]) -> str:
    """State how often the voters prefer the wrong prediction to the label; `votes` are shares `(n, 7)`, zeros for none."""
    wrong = ~predictions.is_correct
    text = f"{wrong.sum():,} of {len(predictions):,} predictions differ from the label."
    rows = np.flatnonzero(wrong & votes.any(axis=1))
    if not len(rows):
        return text
    preferred = votes[rows, predictions.top1[rows]] > votes[rows, predictions.targets[rows]]
    return f"{text} Of the {len(rows):,} with FER+ votes, {preferred.mean():.0%} have more votes for the prediction than for the label."


def summarize_robustness(curves: dict[str, dict[str, Any]]) -> str:
    """Name the strengths at which each corruption first costs half of the clean accuracy above chance."""
    parts = []
    for name, curve in curves.items():
        half = (curve["clean_accuracy"] + 1 / len(EMOTIONS)) / 2
        points = list(zip(curve["strengths"], curve["accuracy"], strict=True))
        best = int(np.argmax(curve["accuracy"]))
        # From the best strength in both directions: an image can be too dark and too bright.
        directions = (points[best::-1], points[best:])
        first = [next((strength for strength, value in one if value < half), None) for one in directions]
        reached = " and ".join(f"{strength:g}" for strength in first if strength is not None)
        parts.append(f"{name} {reached} ({curve['unit']})" if reached else f"{name}: never")
    return f"Half of the accuracy above chance is lost at: {', '.join(parts)}."
