"""One sentence about each figure of notebook 03, computed, so that it is true for every network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.evaluate.predictions import Answers
from fer_lib.evaluate.slices import Groups
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import measure_coverage


def describe_labels(report: dict[str, Any]) -> str:
    """Name the label that the network knows best, and the one that it knows least."""
    f1 = {label: values["f1"] for label, values in report["per_label"].items() if values["images"]}
    best, worst = max(f1, key=f1.__getitem__), min(f1, key=f1.__getitem__)
    return f"It knows {best} best (F1 {f1[best]:.2f}) and {worst} least (F1 {f1[worst]:.2f})."


def describe_confusions(report: dict[str, Any]) -> str:
    """Name the label that is most often taken for another one."""
    counts = np.array(report["confusions"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    if not shares.any():
        return "It confuses nothing."
    label, said = (EMOTIONS[place] for place in np.unravel_index(shares.argmax(), shares.shape))
    return f"Most often, {label} is taken for {said}: {shares.max():.0%} of the images labelled {label}."


def describe_groups(groups: Groups) -> str:
    """Name the two groups of one aspect that lie furthest apart, and say whether that may be chance."""
    gaps = {}
    for aspect, members in groups.items():
        ranked = sorted(members, key=lambda group: members[group]["accuracy"])
        gaps[aspect] = (members[ranked[-1]]["accuracy"] - members[ranked[0]]["accuracy"], ranked[0], ranked[-1])
    aspect = max(gaps, key=lambda one: gaps[one][0])
    _, worst, best = gaps[aspect]
    low, high = groups[aspect][worst], groups[aspect][best]
    overlap = low["accuracy_ci95"][1] >= high["accuracy_ci95"][0]
    verdict = "the intervals overlap, so this may be chance" if overlap else "more than chance explains"
    return f"The widest gap is in {aspect}: {worst} {low['accuracy']:.0%}, {best} {high['accuracy']:.0%}; {verdict}."


def describe_calibration(report: dict[str, Any]) -> str:
    """Say how much less wrong about itself the network is with its temperature."""
    raw, card = report["calibration"]["raw"], report["calibration"]["card"]
    said = (
        f"What it claims is off by {raw['ece']:.1%} on average as it learned, and by {card['ece']:.1%} with the "
        f"temperature {card['temperature']:.2f} of its card."
    )
    if "fitted" not in report["calibration"]:
        return said
    fitted = report["calibration"]["fitted"]
    return f"{said} Fitted anew on the validation images it would be {fitted['temperature']:.2f}: {fitted['ece']:.1%}."


def describe_coverage(answers: Answers, threshold: float) -> str:
    """Say what is gained, and what it costs, when the network may say "uncertain"."""
    share, accuracy = measure_coverage(answers.probabilities, answers.targets, np.array([threshold]))[0]
    if share == 0:
        return f"It is never {threshold:.0%} sure."
    return (
        f"Answering only when at least {threshold:.0%} sure, it answers on {share:.0%} of the images and is right on "
        f"{accuracy:.0%} of those, against {answers.is_right.mean():.0%} of all."
    )


def describe_mistakes(answers: Answers, people: NDArray[np.float32]) -> str:
    """Say how often people side with the network against the label; `people` are votes `(n, 7)`, zeros for none."""
    wrong = ~answers.is_right
    said = f"{wrong.sum():,} of {len(answers):,} answers differ from the label."
    asked = wrong & people.any(axis=1)
    if not asked.any():
        return said
    rows = np.flatnonzero(asked)
    sides = people[rows, answers.predictions[rows]] > people[rows, answers.targets[rows]]
    return f"{said} Of the {len(rows):,} with FER+ votes, people side with the network on {sides.mean():.0%}."


def describe_robustness(curves: dict[str, dict[str, Any]]) -> str:
    """Say at which strength each disturbance has cost half of what the network knows beyond guessing."""
    parts = []
    for name, curve in curves.items():
        half = (curve["undisturbed"] + 1 / len(EMOTIONS)) / 2
        steps = list(zip(curve["strengths"], curve["accuracy"], strict=True))
        best = int(np.argmax(curve["accuracy"]))
        # Away from the best strength, in both directions: it may be too dark and too bright.
        first = [next((s for s, a in way if a < half), None) for way in (steps[best::-1], steps[best:])]
        lost = " and ".join(f"{strength:g}" for strength in first if strength is not None)
        parts.append(f"{name} {lost} ({curve['unit']})" if lost else f"{name}: never")
    return f"Half of what it knows beyond guessing is lost at: {', '.join(parts)}."
