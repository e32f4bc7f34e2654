"""Neutral calibration: estimate and apply a per-visitor logit offset from a neutral face.

For some neutral faces the network predicts sad or angry. Since probabilities are the softmax of the logits, adding an offset
to the logits multiplies each probability by a factor, and no network is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS, label_index

Floats = NDArray[np.float32]

# Target probability of neutral: on the validation split, neutral images get 0.60 on average.
NEUTRAL_PROBABILITY = 0.6
# Largest absolute offset. It divides a probability by e² (about 7) at most, so that a clear expression stays on top.
MAX_OFFSET = 2.0
# Smaller probabilities are raised to this before taking the logarithm.
MIN_PROBABILITY = 1e-4


def estimate_offset(probabilities: Floats) -> Floats:
    """Estimate the logit offset with which a neutral face is predicted as neutral, `(7,)` in [-2, 0].

    Uses the median over the frames, which is robust against a blink or a short smile. Offsets only lower labels that
    are too probable; for a face that is predicted as neutral already they are all 0.

    Args:
        probabilities: `(n, 7)`, unsmoothed, of one neutral face; at least one row.

    Raises:
        ValueError: if there are no rows, or they do not have seven columns.
    """
    rows = np.asarray(probabilities, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(EMOTIONS) or len(rows) == 0:
        raise ValueError(f"`probabilities` must have the shape (n, {len(EMOTIONS)}) with n > 0, but got {rows.shape}")
    neutral = label_index("neutral")
    logs = np.log(np.maximum(rows, MIN_PROBABILITY))
    above_neutral = np.median(logs - logs[:, [neutral]], axis=0)
    others = (1 - NEUTRAL_PROBABILITY) / (len(EMOTIONS) - 1)
    offset = np.clip(np.log(others / NEUTRAL_PROBABILITY) - above_neutral, -MAX_OFFSET, 0)
    offset[neutral] = 0
    return np.asarray(offset, np.float32)


def add_offset(probabilities: Floats, offset: Floats) -> Floats:
    """Return the probabilities `(n, 7)` after adding `offset`, `(7,)`, to the logits; rows sum to 1."""
    shifted = np.asarray(probabilities, np.float32) * np.exp(offset)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def check_offset(offset: Floats) -> Floats:
    """Return `offset` as `(7,)` float32.

    Raises:
        ValueError: if it has another shape, or contains a number that is not finite or outside [-2, 2].
    """
    checked = np.asarray(offset, np.float32)
    if checked.shape != (len(EMOTIONS),):
        raise ValueError(f"`offset` must have the shape ({len(EMOTIONS)},), but got {checked.shape}")
    if not np.all(np.abs(checked) <= MAX_OFFSET):  # also false for NaN
        raise ValueError(f"`offset` must contain numbers from {-MAX_OFFSET} to {MAX_OFFSET}, but got {checked}")
    return checked
