"""A face at rest is not everybody's same: what it shows by itself becomes an offset of the logits.

Some faces look sad or angry to the network while their owner is at ease. Probabilities are the softmax of the
logits, so that an offset of the logits is a factor of each probability: no network is needed for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS, label_index

Floats = NDArray[np.float32]

# What a neutral face should give: on the validation split, neutral images get 0.60 for neutral on average.
NEUTRAL_SHARE = 0.6
# An emotion is taken down to a seventh at most, so that a clear expression still wins.
LARGEST_OFFSET = 2.0
# Below this a probability says no more than "not at all".
LEAST = 1e-4


def estimate_offset(probabilities: Floats) -> Floats:
    """Return the offset of the logits that makes a face at rest look neutral, `(7,)` in [-2, 0].

    The median over the frames counts, so that a blink or a short smile does not. Only what a resting face shows too
    much of is taken down; nothing is ever raised, and for a face that looks neutral already every offset is 0.

    Args:
        probabilities: `(n, 7)` of one face at rest, as the network gave them; at least one row.

    Raises:
        ValueError: if there are no rows, or they do not have seven columns.
    """
    rows = np.asarray(probabilities, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(EMOTIONS) or len(rows) == 0:
        raise ValueError(f"`probabilities` must have the shape (n, {len(EMOTIONS)}) with n > 0, but got {rows.shape}")
    neutral = label_index("neutral")
    logs = np.log(np.maximum(rows, LEAST))
    above_neutral = np.median(logs - logs[:, [neutral]], axis=0)
    others = (1 - NEUTRAL_SHARE) / (len(EMOTIONS) - 1)
    offset = np.clip(np.log(others / NEUTRAL_SHARE) - above_neutral, -LARGEST_OFFSET, 0)
    offset[neutral] = 0
    return np.asarray(offset, np.float32)


def add_offset(probabilities: Floats, offset: Floats) -> Floats:
    """Return the probabilities `(n, 7)` as if `offset`, `(7,)`, had been added to the logits; rows sum to 1."""
    shifted = np.asarray(probabilities, np.float32) * np.exp(offset)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def check_offset(offset: Floats) -> Floats:
    """Return `offset` as `(7,)` float32.

    Raises:
        ValueError: if it has another shape, or holds a number that is not finite or outside [-2, 2].
    """
    checked = np.asarray(offset, np.float32)
    if checked.shape != (len(EMOTIONS),):
        raise ValueError(f"`offset` must have the shape ({len(EMOTIONS)},), but got {checked.shape}")
    if not np.all(np.abs(checked) <= LARGEST_OFFSET):  # NaN is no number of any size
        raise ValueError(f"`offset` must hold numbers from {-LARGEST_OFFSET} to {LARGEST_OFFSET}, but got {checked}")
    return checked
