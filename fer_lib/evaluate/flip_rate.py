"""Perturbation flip rate: how often the predicted label changes under small shifts of the face box."""

from __future__ import annotations

from typing import Any

import numpy as np

from fer_lib.evaluate.predictions import Predictions, predict_logits
from fer_lib.evaluate.robustness import Corruption, corrupt, shift
from fer_lib.metrics import wilson_interval
from fer_lib.vision.recognition import Recognizer

PERTURBATION = Corruption("shift of the box", "% of the face", (2.0,), shift)


def measure_flip_rate(recognizer: Recognizer, predictions: Predictions) -> dict[str, Any]:
    """Measure the perturbation flip rate (Hendrycks and Dietterich, 2019) under a small shift of the box.

    Args:
        recognizer: the network.
        predictions: for the unchanged images.

    Returns:
        The share of images whose top-1 label changes when the box is shifted by 2 % of its side, in directions spread
        evenly over the images, and its 95 % interval.
    """
    shifted = predict_logits(recognizer, corrupt(predictions.split.images, PERTURBATION, PERTURBATION.strengths[0]))
    flips = int(np.count_nonzero(shifted.argmax(axis=1) != predictions.top1))
    return {
        "perturbation_flip_rate": flips / len(predictions),
        "perturbation_flip_rate_ci95": list(wilson_interval(flips, len(predictions))),
    }
