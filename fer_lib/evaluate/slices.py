"""Sliced evaluation: the accuracy on subsets of the images, by brightness, contrast and FER+ agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.dataset.votes import MAJORITY, Votes, look_up_votes
from fer_lib.evaluate.predictions import Predictions
from fer_lib.metrics import wilson_interval

Slices = dict[str, dict[str, dict[str, Any]]]  # aspect → slice → metrics


def measure_slices(predictions: Predictions, votes: Votes | None = None) -> Slices:
    """Measure the accuracy on slices by brightness, contrast and, with FER+ votes, by the agreement of the voters.

    Returns:
        aspect → slice → images, accuracy and its 95 % interval; empty slices and aspects are left out.
    """
    pixels = predictions.split.images.reshape(len(predictions), -1).astype(np.float32)
    aspects = {
        "brightness": _thirds(pixels.mean(axis=1), ("dark", "middle", "bright")),
        "contrast": _thirds(pixels.std(axis=1), ("flat", "middle", "strong")),
    }
    if votes:
        majority = look_up_votes(predictions.split.names, votes).max(axis=1)
        aspects["people"] = {
            "disagree": (majority > 0) & (majority <= MAJORITY),
            "mostly agree": (majority > MAJORITY) & (majority < 0.8),
            "agree": majority >= 0.8,
        }
    slices = {
        aspect: {name: _accuracy(predictions.is_correct[rows]) for name, rows in masks.items() if rows.any()}
        for aspect, masks in aspects.items()
    }
    return {aspect: members for aspect, members in slices.items() if members}


def _thirds(values: NDArray[np.float32], names: tuple[str, str, str]) -> dict[str, NDArray[np.bool_]]:
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    masks = (values <= low, (values > low) & (values <= high), values > high)
    return dict(zip(names, masks, strict=True))


def _accuracy(correct: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "images": len(correct),
        "accuracy": float(correct.mean()),
        "accuracy_ci95": list(wilson_interval(int(correct.sum()), len(correct))),
    }
