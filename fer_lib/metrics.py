"""Classification metrics: accuracy, F1, confidence intervals, calibration, coverage.

scikit-learn and SciPy are imported inside the functions, because the live page uses `softmax` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS

Array = NDArray[np.float32] | NDArray[np.float64]
Targets = NDArray[np.int64]
BINS = 15  # of the calibration error


def softmax(logits: Array, temperature: float = 1.0) -> NDArray[np.float64]:
    """Convert logits `(n, k)` to probabilities, rows sum to 1, without overflow for large logits.

    A `temperature` above 1 lowers the confidence (temperature scaling; Guo et al., 2017).
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def compute_metrics(probabilities: Array, targets: Targets) -> dict[str, Any]:
    """Compute the classification metrics of predicted probabilities.

    Args:
        probabilities: `(n, 7)`, rows sum to 1.
        targets: `(n,)` indices in `EMOTIONS`; macro averages are over the labels that occur.

    Returns:
        number of images, accuracy and its 95 % interval, balanced accuracy, macro-F1, negative log-likelihood, Brier
        score, expected calibration error (15 bins), and precision, recall and F1 per label.

    Raises:
        ValueError: if there are no rows, or the lengths differ.
    """
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support, recall_score

    if len(targets) == 0 or len(targets) != len(probabilities):
        raise ValueError(
            "`probabilities` and `targets` must have the same length of at least one, "
            f"but got {len(probabilities)} and {len(targets)}"
        )
    predictions = np.asarray(probabilities).argmax(axis=1)
    table = precision_recall_fscore_support(targets, predictions, labels=range(len(EMOTIONS)), zero_division=0)
    over_present: dict[str, Any] = {"labels": np.unique(targets), "average": "macro", "zero_division": 0}
    correct = int((predictions == targets).sum())
    return {
        "images": len(targets),
        "accuracy": float(accuracy_score(targets, predictions)),
        "accuracy_ci95": list(wilson_interval(correct, len(targets))),
        "balanced_accuracy": float(recall_score(targets, predictions, **over_present)),
        "macro_f1": float(f1_score(targets, predictions, **over_present)),
        **compute_probability_metrics(probabilities, targets),
        "per_label": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "images": int(n)}
            for label, p, r, f, n in zip(EMOTIONS, *table, strict=True)
        },
    }


def compute_probability_metrics(probabilities: Array, targets: Targets) -> dict[str, float]:
    """Compute the proper scoring rules and the calibration error of probabilities `(n, 7)`.

    Returns:
        nll, the negative log-likelihood; brier, the squared error summed over the labels, in [0, 2]; ece, the
        expected calibration error in 15 bins. Lower is better for all three.
    """
    from sklearn.metrics import brier_score_loss, log_loss

    exact, indices = np.asarray(probabilities, np.float64), list(range(len(EMOTIONS)))
    exact = exact / exact.sum(axis=1, keepdims=True)  # rows of float32 sum to 1 only approximately
    return {
        "nll": float(log_loss(targets, exact, labels=indices)),
        "brier": float(brier_score_loss(targets, exact, labels=indices, scale_by_half=False)),
        "ece": calibration_error(exact, targets),
    }


def count_confusions(predictions: Targets, targets: Targets) -> NDArray[np.int64]:
    """Compute the confusion matrix, `(7, 7)` counts: rows are targets, columns are predictions."""
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(targets, predictions, labels=range(len(EMOTIONS))), np.int64)


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's confidence interval (1927) of the share `correct / n`."""
    from scipy.stats import binomtest

    interval = binomtest(correct, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Data of a reliability diagram: accuracy against confidence in bins of equal width.

    Attributes:
        edges: `(bins + 1,)` limits of the bins, from 0 to 1.
        images: `(bins,)` number of predictions in each bin.
        confidence: `(bins,)` mean top-1 probability; NaN in an empty bin.
        accuracy: `(bins,)` share of correct predictions; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def measure_reliability(probabilities: Array, targets: Targets, bins: int = BINS) -> Reliability:
    """Bin predictions `(n, 7)` by their top-1 probability and compute confidence and accuracy of each bin."""
    top = np.asarray(probabilities, np.float64).max(axis=1)
    correct = np.asarray(probabilities).argmax(axis=1) == targets
    index = np.minimum((top * bins).astype(int), bins - 1)
    images = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, top, bins) / images
        accuracy = np.bincount(index, correct, bins) / images
    return Reliability(np.linspace(0, 1, bins + 1), images, confidence, accuracy)


def calibration_error(probabilities: Array, targets: Targets, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al., 2017): the mean gap between confidence and accuracy, in bins of equal width."""
    binned = measure_reliability(probabilities, targets, bins)
    return float(np.nansum(np.abs(binned.confidence - binned.accuracy) * binned.images) / max(binned.images.sum(), 1))


def measure_coverage(probabilities: Array, targets: Targets, thresholds: Array) -> NDArray[np.float64]:
    """Compute coverage and selective accuracy at confidence thresholds (selective prediction).

    Args:
        probabilities: `(n, 7)`.
        targets: `(n,)`.
        thresholds: `(k,)` top-1 probabilities; predictions below the threshold are rejected as uncertain.

    Returns:
        `(k, 2)`: the share of images whose prediction is accepted, and the accuracy among them (NaN without any).
    """
    top = np.asarray(probabilities).max(axis=1)
    correct = np.asarray(probabilities).argmax(axis=1) == targets
    accepted = top[None] >= np.asarray(thresholds)[:, None]
    with np.errstate(invalid="ignore"):
        accuracy = (accepted & correct).sum(axis=1) / accepted.sum(axis=1)
    return np.column_stack([accepted.mean(axis=1), accuracy])


def coverage_at_accuracy(probabilities: Array, targets: Targets, accuracy: float) -> dict[str, float | None]:
    """Compute the largest coverage at which the accepted predictions reach an accuracy.

    Args:
        probabilities: `(n, 7)`, at least one row.
        targets: `(n,)`.
        accuracy: required among the accepted predictions, in (0, 1].

    Returns:
        coverage, the largest share of images, most confident first, whose predictions reach the accuracy, 0 without
        any; and confidence, the lowest top-1 probability among them (`None` without any). Predictions of equal
        confidence are accepted or rejected together.
    """
    top = np.asarray(probabilities).max(axis=1)
    correct = np.asarray(probabilities).argmax(axis=1) == targets
    order = np.argsort(-top, kind="stable")
    ranked = top[order]
    last = np.append(ranked[1:] < ranked[:-1], True)
    reached = last & (correct[order].cumsum() >= accuracy * np.arange(1, len(top) + 1))
    if not reached.any():
        return {"coverage": 0.0, "confidence": None}
    index = int(np.flatnonzero(reached)[-1])
    return {"coverage": (index + 1) / len(top), "confidence": float(ranked[index])}


def fit_temperature(logits: Array, targets: Targets) -> float:
    """Fit the temperature that minimises the negative log-likelihood (temperature scaling; Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        likelihood = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(likelihood, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def fit_offsets(logits: Array, targets: Array) -> NDArray[np.float64]:
    """Fit per-class logit offsets that minimise the cross-entropy with soft targets.

    This is the bias of vector scaling (Guo et al., 2017), without the scales.

    Args:
        logits: `(n, 7)`.
        targets: `(n, 7)` soft targets, rows sum to 1.

    Returns:
        One offset per label, `(7,)`, centred to a sum of 0.
    """
    from scipy.optimize import minimize

    def loss(offsets: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        probabilities = softmax(np.asarray(logits, np.float64) + offsets)
        entropy = -(np.asarray(targets) * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean()
        return float(entropy), (probabilities - targets).mean(axis=0)

    fitted = minimize(loss, np.zeros(np.shape(logits)[1]), jac=True).x
    return np.asarray(fitted - fitted.mean(), np.float64)
