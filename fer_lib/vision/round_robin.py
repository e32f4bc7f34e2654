"""Round-robin scheduling of faces, where only some can be processed per frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RoundRobin:
    """Schedule of faces by their `track_id`: those that have waited the longest are selected first."""

    def __init__(self) -> None:
        self._last_round: dict[int, int] = {}
        self._round = 0

    def select(self, track_id: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Select the faces to process in this frame; state of faces that are not in `track_id` is removed.

        Args:
            track_id: `(n,)` of all faces, in any order.
            count: most faces to select.

        Returns:
            The selected rows of `track_id`, at most `count`, in ascending order.
        """
        self._round += 1
        ids = [int(track) for track in track_id]
        rows = sorted(range(len(ids)), key=lambda row: self._last_round.get(ids[row], 0))[:count]
        selected = {ids[row]: self._round for row in rows}
        self._last_round = {track: self._last_round.get(track, 0) for track in ids} | selected
        return np.array(sorted(rows), np.int64)
