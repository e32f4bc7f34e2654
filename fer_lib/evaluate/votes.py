"""Look up the FER+ votes of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_lib.labels import EMOTIONS

Votes = dict[str, NDArray[np.float32]]


def look_up_votes(names: Sequence[str], votes: Votes) -> NDArray[np.float32]:
    """Return the shares of the votes on each image, `(n, 7)`; zeros where there are none."""
    none = np.zeros(len(EMOTIONS), np.float32)
    return np.array([votes.get(name, none) for name in names], np.float32).reshape(len(names), len(EMOTIONS))
