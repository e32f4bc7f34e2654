"""Predictions and targets become numbers we believe.

scikit-learn computes what it knows; it is imported at use, for the live page needs none of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS

Array = NDArray[np.float32] | NDArray[np.float64]
Targets = NDArray[np.int64]


def softmax(logits: Array, temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn logits `(n, k)` into probabilities, rows sum to 1; logits of any size can't overflow.

    A `temperature` above 1 makes them less sure of themselves (Guo et al., 2017).
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def score(probabilities: Array, targets: Targets) -> dict[str, Any]:
    """Compute what we judge a network by.

    Args:
        probabilities: `(n, 7)`, rows sum to 1.
        targets: `(n,)` places in `EMOTIONS`; averages over labels leave out those that do not occur.

    Returns:
        images, accuracy and its 95 % interval, balanced accuracy, macro-F1, negative log-likelihood, Brier score,
        expected calibration error (15 bins), and precision, recall and F1 per label.

    Raises:
        ValueError: if there are no rows, or the lengths differ.
    """
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support, recall_score

    if len(targets) == 0 or len(targets) != len(probabilities):
        raise ValueError(
            f"need as many probabilities as targets, at least one, but got {len(probabilities)} and {len(targets)}"
        )
    predictions = np.asarray(probabilities).argmax(axis=1)
    table = precision_recall_fscore_support(targets, predictions, labels=range(len(EMOTIONS)), zero_division=0)
    over_present: dict[str, Any] = {"labels": np.unique(targets), "average": "macro", "zero_division": 0}
    right = int((predictions == targets).sum())
    return {
        "images": len(targets),
        "accuracy": float(accuracy_score(targets, predictions)),
        "accuracy_ci95": list(wilson_interval(right, len(targets))),
        "balanced_accuracy": float(recall_score(targets, predictions, **over_present)),
        "macro_f1": float(f1_score(targets, predictions, **over_present)),
        **judge_probabilities(probabilities, targets),
        "per_label": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "images": int(n)}
            for label, p, r, f, n in zip(EMOTIONS, *table, strict=True)
        },
    }


def judge_probabilities(probabilities: Array, targets: Targets) -> dict[str, float]:
    """Compute how far probabilities `(n, 7)` can be taken at their word.

    Returns:
        nll, the negative log-likelihood; brier, the squared error summed over the labels, in [0, 2]; ece, the
        expected calibration error in 15 bins. Less is better in all three.
    """
    from sklearn.metrics import brier_score_loss, log_loss

    exact, places = np.asarray(probabilities, np.float64), list(range(len(EMOTIONS)))
    exact = exact / exact.sum(axis=1, keepdims=True)  # float32 rows sum to 1 only nearly
    return {
        "nll": float(log_loss(targets, exact, labels=places)),
        "brier": float(brier_score_loss(targets, exact, labels=places, scale_by_half=False)),
        "ece": calibration_error(exact, targets),
    }


def count_confusions(predictions: Targets, targets: Targets) -> NDArray[np.int64]:
    """Count how often each label, a row, was taken for each, a column: `(7, 7)`."""
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(targets, predictions, labels=range(len(EMOTIONS))), np.int64)


def wilson_interval(right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval (1927) of the share `right / n`."""
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often a network is right when it is so sure, in bins of equal width.

    Attributes:
        edges: `(bins + 1,)` from 0 to 1.
        images: `(bins,)` how many answers lie in each bin.
        confidence: `(bins,)` their mean top probability; NaN in an empty bin.
        accuracy: `(bins,)` the share of them that is right; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def measure_reliability(probabilities: Array, targets: Targets, bins: int = 15) -> Reliability:
    """Sort answers `(n, 7)` into bins by their top probability and compare it with how often they are right."""
    top = np.asarray(probabilities, np.float64).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == targets
    place = np.minimum((top * bins).astype(int), bins - 1)
    images = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, top, bins) / images
        accuracy = np.bincount(place, right, bins) / images
    return Reliability(np.linspace(0, 1, bins + 1), images, confidence, accuracy)


def calibration_error(probabilities: Array, targets: Targets, bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al., 2017): the mean gap between confidence and accuracy, in bins of equal width."""
    found = measure_reliability(probabilities, targets, bins)
    return float(np.nansum(np.abs(found.confidence - found.accuracy) * found.images) / max(found.images.sum(), 1))


def measure_coverage(probabilities: Array, targets: Targets, thresholds: Array) -> NDArray[np.float64]:
    """Compute what is gained by answering only when sure enough, and saying "uncertain" otherwise.

    Args:
        probabilities: `(n, 7)`.
        targets: `(n,)`.
        thresholds: `(k,)` the top probability from which an answer is given.

    Returns:
        `(k, 2)`: the share of images that get an answer, and the accuracy among them (NaN if there is none).
    """
    top = np.asarray(probabilities).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == targets
    answered = top[None] >= np.asarray(thresholds)[:, None]
    with np.errstate(invalid="ignore"):
        accuracy = (answered & right).sum(axis=1) / answered.sum(axis=1)
    return np.column_stack([answered.mean(axis=1), accuracy])


def coverage_at_accuracy(probabilities: Array, targets: Targets, accuracy: float) -> dict[str, float | None]:
    """Compute how many images keep their prediction when the least confident are refused to reach an accuracy.

    Args:
        probabilities: `(n, 7)`, at least one row.
        targets: `(n,)`.
        accuracy: that is asked for among the images kept, in (0, 1].

    Returns:
        coverage, the largest share of images, the most confident first, on which the accuracy is reached, 0 if there
        is none; and confidence, the least top probability among them (`None` if there is none). Images of equal
        confidence are kept or refused together.
    """
    top = np.asarray(probabilities).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == targets
    order = np.argsort(-top, kind="stable")
    ranked = top[order]
    last = np.append(ranked[1:] < ranked[:-1], True)
    reached = last & (right[order].cumsum() >= accuracy * np.arange(1, len(top) + 1))
    if not reached.any():
        return {"coverage": 0.0, "confidence": None}
    place = int(np.flatnonzero(reached)[-1])
    return {"coverage": (place + 1) / len(top), "confidence": float(ranked[place])}


def fit_temperature(logits: Array, targets: Targets) -> float:
    """Find the temperature that makes the probabilities fit best (Guo et al., 2017): least negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def fit_offsets(logits: Array, targets: Array) -> NDArray[np.float64]:
    """Find what to add to the logits so that the probabilities fit soft targets best: least cross-entropy.

    It is the bias of vector scaling (Guo et al., 2017), without the scales.

    Args:
        logits: `(n, 7)`.
        targets: `(n, 7)`, each row a share of every label.

    Returns:
        One offset for each label, `(7,)`; their sum is 0.
    """
    from scipy.optimize import minimize

    def loss(offsets: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        probabilities = softmax(np.asarray(logits, np.float64) + offsets)
        lost = -(np.asarray(targets) * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean()
        return float(lost), (probabilities - targets).mean(axis=0)

    found = minimize(loss, np.zeros(np.shape(logits)[1]), jac=True).x
    return np.asarray(found - found.mean(), np.float64)
