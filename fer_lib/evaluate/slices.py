"""For which images is a network better, for which worse?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.evaluate.predictions import Answers
from fer_lib.evaluate.votes import Votes, look_up_votes
from fer_lib.metrics import wilson_interval

Groups = dict[str, dict[str, dict[str, Any]]]


def measure_groups(answers: Answers, votes: Votes | None = None) -> Groups:
    """Compute the accuracy in groups of images: by brightness, by contrast and, with FER+ votes, by how far people agree.

    Returns:
        aspect → group → images, accuracy and its 95 % interval; what has no images is left out.
    """
    pixels = answers.split.images.reshape(len(answers), -1).astype(np.float32)
    aspects = {
        "brightness": _thirds(pixels.mean(axis=1), ("dark", "middle", "bright")),
        "contrast": _thirds(pixels.std(axis=1), ("flat", "middle", "strong")),
    }
    if votes:
        top = look_up_votes(answers.split.names, votes).max(axis=1)
        aspects["people"] = {
            "disagree": (top > 0) & (top <= 0.5),
            "mostly agree": (top > 0.5) & (top < 0.8),
            "agree": top >= 0.8,
        }
    groups = {
        aspect: {group: _measure(answers.is_right[rows]) for group, rows in masks.items() if rows.any()}
        for aspect, masks in aspects.items()
    }
    return {aspect: members for aspect, members in groups.items() if members}


def _thirds(values: NDArray[np.float32], names: tuple[str, str, str]) -> dict[str, NDArray[np.bool_]]:
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    masks = (values <= low, (values > low) & (values <= high), values > high)
    return dict(zip(names, masks, strict=True))


def _measure(right: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "images": len(right),
        "accuracy": float(right.mean()),
        "accuracy_ci95": list(wilson_interval(int(right.sum()), len(right))),
    }
