"""Predictions and targets become numbers we believe.

scikit-learn computes what it knows; it is imported at use, for the live page needs none of this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS

Array = NDArray[np.float32] | NDArray[np.float64]


def softmax(logits: Array, temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn logits `(n, 7)` into probabilities whose rows sum to 1."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def score(probabilities: Array, targets: NDArray[np.int64]) -> dict[str, Any]:
    """Compute what we judge a network by.

    Args:
        probabilities: `(n, 7)`, rows sum to 1.
        targets: `(n,)` places in `EMOTIONS`.

    Returns:
        images, accuracy and its 95 % interval, balanced accuracy, macro-F1, negative log-likelihood, expected
        calibration error (15 bins), and precision, recall and F1 per label.

    Raises:
        ValueError: if there are no rows, or the lengths differ.
    """
    from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, precision_recall_fscore_support

    if len(targets) == 0 or len(targets) != len(probabilities):
        raise ValueError(
            f"need as many probabilities as targets, at least one, but got {len(probabilities)} and {len(targets)}"
        )
    predictions = np.asarray(probabilities).argmax(axis=1)
    places = range(len(EMOTIONS))
    present = np.unique(targets)
    table = precision_recall_fscore_support(targets, predictions, labels=places, zero_division=0)
    accuracy = float((predictions == targets).mean())
    return {
        "images": len(targets),
        "accuracy": accuracy,
        "accuracy_ci95": list(wilson_interval(accuracy, len(targets))),
        "balanced_accuracy": float(
            balanced_accuracy_score(targets, np.where(np.isin(predictions, present), predictions, -1))
        )
        if len(present) < len(EMOTIONS)
        else float(balanced_accuracy_score(targets, predictions)),
        "macro_f1": float(f1_score(targets, predictions, labels=present, average="macro", zero_division=0)),
        "nll": float(log_loss(targets, np.asarray(probabilities, np.float64), labels=list(places))),
        "ece": calibration_error(probabilities, targets),
        "per_label": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "images": int(n)}
            for label, p, r, f, n in zip(EMOTIONS, *table, strict=True)
        },
    }


def wilson_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval (1927) of a share measured on `n` images; 95 % by default."""
    middle = share + z * z / (2 * n)
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float((middle - spread) / (1 + z * z / n)), float((middle + spread) / (1 + z * z / n))


def calibration_error(probabilities: Array, targets: NDArray[np.int64], bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al., 2017): the mean gap between confidence and accuracy, in bins of equal width."""
    top = np.asarray(probabilities).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == targets
    place = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [abs(top[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in np.unique(place)]
    return float(np.sum(gaps))


def fit_temperature(logits: Array, targets: NDArray[np.int64]) -> float:
    """Find the temperature that makes the probabilities fit best (Guo et al., 2017): least negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
