"""FER+ votes of images, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS

Votes = dict[str, NDArray[np.float32]]


def look_up_votes(names: Sequence[str], votes: Votes) -> NDArray[np.float32]:
    """Return the shares of the FER+ votes of each image, `(n, 7)`; rows of zeros for images without votes."""
    none = np.zeros(len(EMOTIONS), np.float32)
    return np.array([votes.get(name, none) for name in names], np.float32).reshape(len(names), len(EMOTIONS))
