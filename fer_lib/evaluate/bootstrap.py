"""Bootstrap confidence intervals of the metrics that have no closed formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import BINS

RESAMPLES = 2000
NAMES = ("balanced_accuracy", "macro_f1", "ece")


def bootstrap_intervals(
    probabilities: NDArray[np.float64],
    targets: NDArray[np.int64],
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Compute percentile bootstrap intervals (Efron, 1979) of balanced accuracy, macro-F1 and calibration error.

    Images are drawn with replacement; all metrics are computed from the same draws.

    Args:
        probabilities: `(n, 7)`, rows sum to 1.
        targets: `(n,)` indices in `EMOTIONS`, at least one.
        resamples: number of draws of `n` images.
        level: share of the resampled values inside the interval.
        seed: of the draws.

    Returns:
        `balanced_accuracy_ci95`, `macro_f1_ci95` and `ece_ci95`, each `[low, high]`.
    """
    k, n = len(EMOTIONS), len(targets)
    exact = np.asarray(probabilities, np.float64)
    exact = exact / exact.sum(axis=1, keepdims=True)
    predictions, confidence = exact.argmax(axis=1), exact.max(axis=1)
    pairs = targets * k + predictions
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = confidence - (predictions == targets)
    random, values = np.random.default_rng(seed), np.empty((resamples, len(NAMES)))
    for row in values:
        drawn = random.integers(0, n, n)
        confusions = np.bincount(pairs[drawn], minlength=k * k).reshape(k, k)
        row[:2] = _macro_averages(confusions)
        row[2] = np.abs(np.bincount(bins[drawn], gaps[drawn], BINS)).sum() / n
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return {f"{name}_ci95": [float(low[i]), float(high[i])] for i, name in enumerate(NAMES)}


def _macro_averages(confusions: NDArray[np.int64]) -> tuple[float, float]:
    """Return balanced accuracy and macro-F1 of a confusion matrix `(7, 7)`, over the labels that occur (rows not empty)."""
    correct, images, predicted = confusions.diagonal(), confusions.sum(axis=1), confusions.sum(axis=0)
    present = images > 0
    recall = correct[present] / images[present]
    f1 = 2 * correct[present] / (images + predicted)[present]
    return float(recall.mean()), float(f1.mean())
