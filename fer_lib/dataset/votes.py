"""FER+ votes (Barsoum et al., 2016): ten votes per image as soft targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_lib.dataset.tables import open_table
from fer_lib.labels import EMOTIONS

Votes = dict[str, NDArray[np.float32]]  # image name → vote shares `(7,)`

MAJORITY = 0.5  # share of the votes above which a label has the majority
MAX_VOTES = 1_000_000  # of one emotion for one image; FER+ has ten

LABEL_OF_VOTE = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprise",
}


def read_votes(path: Path) -> Votes:
    """Read a table of votes: a column `name` (or `Image name`) and one per emotion, with or without the prefix `votes_`.

    Returns:
        Vote shares `(7,)`, summing to 1, by image name without suffix. Images without a vote for any of the seven emotions
        are omitted.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not a CSV table, a column is missing or a number of votes is out of range.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"`FERPLUS_CSV` must be an existing table of FER+ votes, but got {path}; see data/README.md"
        )
    votes: Votes = {}
    with open_table(path) as rows:
        columns = {name.lower().removeprefix("votes_"): name for name in rows.fieldnames or ()}
        name_column = columns.get("name") or columns.get("image name")
        if name_column is None or not LABEL_OF_VOTE.keys() <= columns.keys():
            raise ValueError(
                f"{path} must have the columns name, {', '.join(LABEL_OF_VOTE)}, but has {', '.join(columns)}"
            )
        for number, row in enumerate(rows, 1):
            counts = np.zeros(len(EMOTIONS), np.float32)
            for voted, label in LABEL_OF_VOTE.items():
                counts[EMOTIONS.index(label)] = _parse_count(row[columns[voted]], f"row {number} of {path}")
            if counts.sum() > 0:
                votes[Path(row[name_column]).stem] = counts / counts.sum()
    return votes


def _parse_count(text: str | None, where: str) -> float:
    try:
        count = float(text or 0)
    except ValueError:
        count = math.nan
    if not 0 <= count <= MAX_VOTES:
        raise ValueError(f"{where} must have vote counts from 0 to {MAX_VOTES:,}, but has {str(text)[:40]!r}")
    return count


def look_up_votes(names: Sequence[str], votes: Votes) -> NDArray[np.float32]:
    """Return the shares of the FER+ votes of each image, `(n, 7)`; rows of zeros for images without votes."""
    none = np.zeros(len(EMOTIONS), np.float32)
    return np.array([votes.get(name, none) for name in names], np.float32).reshape(len(names), len(EMOTIONS))


def blend_targets(
    targets: NDArray[np.float32], names: tuple[str, ...], votes: Votes, share: float
) -> NDArray[np.float32]:
    """Blend targets `(n, 7)` with the votes: weight `share` in [0, 1]; images without votes keep their target."""
    blended = targets.copy()
    for row, name in enumerate(names):
        if name in votes:
            blended[row] = (1 - share) * targets[row] + share * votes[name]
    return blended
