"""What a network says to the images of a split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.dataset.image_folders import DATA_HINT, SPLITS, Split, load_split
from fer_lib.metrics import softmax
from fer_lib.settings.evaluation import EvaluationSettings
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.recognition import Recognizer
from fer_lib.weights import EMOTION, weights_folder

BATCH = 64  # images at a time: enough to be fast, few enough to stay small


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers to a split, one row an image.

    Attributes:
        split: the images and their targets.
        logits: `(n, 7)` float32.
        temperature: what the logits are divided by, as the card says.
    """

    split: Split
    logits: NDArray[np.float32]
    temperature: float = 1.0

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def targets(self) -> NDArray[np.int64]:
        """The right labels, `(n,)` places in `EMOTIONS`."""
        return self.split.targets

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """How probable each label is, `(n, 7)`; rows sum to 1."""
        return softmax(self.logits, self.temperature)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The most probable label, `(n,)`."""
        return np.asarray(self.logits.argmax(axis=1), np.int64)

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether that is the label of the image, `(n,)`."""
        return np.asarray(self.predictions == self.targets, np.bool_)

    def select(self, rows: NDArray[np.bool_]) -> Answers:
        """Return the answers to the images that a mask `(n,)` keeps."""
        return Answers(self.split.select(rows), self.logits[rows], self.temperature)

    def rank_mistakes(self, n: int) -> NDArray[np.int64]:
        """Return the rows of the `n` wrong answers that were given with most confidence, surest first."""
        wrong = np.flatnonzero(~self.is_right)
        surest = np.argsort(-self.probabilities.max(axis=1)[wrong], kind="stable")
        return wrong[surest[:n]]


def open_recognizer(weights: Path | None = None) -> Recognizer:
    """Open the network to judge.

    Args:
        weights: its ONNX file, with the card beside it; `None` for the project's own.

    Raises:
        FileNotFoundError: if the file or its card is missing.
        ValueError: if it is no ONNX file, or not what its card says.
    """
    path = weights_folder() / f"{EMOTION}.onnx" if weights is None else Path(weights)
    if path.suffix != ".onnx":
        raise ValueError(f"`WEIGHTS` must be an .onnx file with its card (.json) beside it, but got {path}")
    return Recognizer(VisionSettings.load(weights_dir=path.parent), path.stem)


def answer_split(
    recognizer: Recognizer, settings: EvaluationSettings, split: str | None = None, quiet: bool = False
) -> Answers:
    """Read a split as the network sees it, and let the network answer.

    Args:
        recognizer: the network.
        settings: where the images are, how many to use, and whether to ask twice, with the mirror image.
        split: train, validation or test; `None` for the one in `settings`.
        quiet: show no progress bars.

    Raises:
        FileNotFoundError: if the split is missing or can't be read; the sentence says which splits are there.
        ValueError: if a folder is named after none of the seven labels.
    """
    name = split or settings.split
    _require_split(settings.data_dir, name)
    loaded = load_split(settings.data_dir, name, recognizer.spec, settings.max_images, quiet)
    logits = answer_images(recognizer, loaded.images, settings.flip, quiet)
    return Answers(loaded, logits, recognizer.weights.temperature)


def answer_images(
    recognizer: Recognizer, images: NDArray[np.uint8], flip: bool = False, quiet: bool = True
) -> NDArray[np.float32]:
    """Return the logits of images `(n, size, size, c)`, `(n, 7)`; with `flip`, averaged with their mirror images'."""
    logits = np.zeros((len(images), 7), np.float32)
    for start in tqdm(range(0, len(images), BATCH), desc="answering", unit="batch", disable=quiet, leave=False):
        batch = images[start : start + BATCH]
        logits[start : start + BATCH] = recognizer.logits(batch)
        if flip:
            logits[start : start + BATCH] += recognizer.logits(np.ascontiguousarray(batch[:, :, ::-1]))
    return np.asarray(logits / 2 if flip else logits, np.float32)


def _require_split(folder: Path, name: str) -> None:
    there = [split for split in SPLITS if (Path(folder) / split).is_dir()]
    if there and name not in there:
        raise FileNotFoundError(
            f"`SPLIT` must be one of those in {folder}: {', '.join(there)}, but got {name}; {DATA_HINT}"
        )
