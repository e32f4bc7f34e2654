"""How often the label changes although the face has not: a box that trembles must not make the answer tremble."""

from __future__ import annotations

from typing import Any

import numpy as np

from fer_lib.evaluate.predictions import Answers, answer_images
from fer_lib.evaluate.robustness import Disturbance, disturb, shift
from fer_lib.metrics import wilson_interval
from fer_lib.vision.recognition import Recognizer

TREMBLE = Disturbance("shift of the box", "% of the face", (2.0,), shift)


def measure_flips(recognizer: Recognizer, answers: Answers) -> dict[str, Any]:
    """Compute the perturbation flip rate (Hendrycks and Dietterich, 2019) under a small shift of the box.

    Args:
        recognizer: the network.
        answers: to the images as they are.

    Returns:
        The share of images whose label changes when the box moves by 2 % of its side, the directions spread evenly
        over the images, and its 95 % interval.
    """
    moved = answer_images(recognizer, disturb(answers.split.images, TREMBLE, TREMBLE.strengths[0]))
    changed = int(np.count_nonzero(moved.argmax(axis=1) != answers.predictions))
    return {
        "perturbation_flip_rate": changed / len(answers),
        "perturbation_flip_rate_ci95": list(wilson_interval(changed, len(answers))),
    }
