"""Who is next, when not everyone can be served at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RoundRobin:
    """Faces that are served in turns, by their `track_id`: who has waited the longest comes first."""

    def __init__(self) -> None:
        self._served: dict[int, int] = {}
        self._round = 0

    def take(self, track_id: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Choose who is served now, and remember it; who is not in `track_id` is forgotten.

        Args:
            track_id: `(n,)` numbers of all who wait, in any order.
            most: how many are served at once.

        Returns:
            The rows of `track_id` that are served, at most `most`, in ascending order.
        """
        self._round += 1
        numbers = [int(number) for number in track_id]
        rows = sorted(range(len(numbers)), key=lambda row: self._served.get(numbers[row], 0))[:most]
        served = {numbers[row]: self._round for row in rows}
        self._served = {number: self._served.get(number, 0) for number in numbers} | served
        return np.array(sorted(rows), np.int64)
