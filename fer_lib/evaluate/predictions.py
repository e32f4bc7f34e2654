"""Predictions of a network for the images of a split."""

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

BATCH = 64  # images per run: fast enough, with little memory


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for a split, one row per image.

    Attributes:
        split: the images and their targets.
        logits: `(n, 7)` float32.
        temperature: divisor of the logits, from the model card.
    """

    split: Split
    logits: NDArray[np.float32]
    temperature: float = 1.0

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def targets(self) -> NDArray[np.int64]:
        """True labels, `(n,)` indices in `EMOTIONS`."""
        return self.split.targets

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated probabilities, `(n, 7)`; rows sum to 1."""
        return softmax(self.logits, self.temperature)

    @property
    def top1(self) -> NDArray[np.int64]:
        """Most probable labels, `(n,)` indices in `EMOTIONS`."""
        return np.asarray(self.logits.argmax(axis=1), np.int64)

    @property
    def is_correct(self) -> NDArray[np.bool_]:
        """Whether the top-1 label equals the target, `(n,)`."""
        return np.asarray(self.top1 == self.targets, np.bool_)

    def select(self, rows: NDArray[np.bool_]) -> Predictions:
        """Return the predictions of the images that a mask `(n,)` selects."""
        return Predictions(self.split.select(rows), self.logits[rows], self.temperature)

    def rank_mistakes(self, n: int) -> NDArray[np.int64]:
        """Return the rows of the `n` most confident wrong predictions, most confident first."""
        wrong = np.flatnonzero(~self.is_correct)
        order = np.argsort(-self.probabilities.max(axis=1)[wrong], kind="stable")
        return wrong[order[:n]]


def open_recognizer(weights: Path | None = None) -> Recognizer:
    """Load the network to evaluate.

    Args:
        weights: its ONNX file, with the model card beside it; `None` for the project's own.

    Raises:
        FileNotFoundError: if the file or its card is missing.
        ValueError: if it is not an ONNX file, or differs from its card.
    """
    path = weights_folder() / f"{EMOTION}.onnx" if weights is None else Path(weights)
    if path.suffix != ".onnx":
        raise ValueError(f"`WEIGHTS` must be an .onnx file with its card (.json) beside it, but got {path}")
    return Recognizer(VisionSettings.load(weights_dir=path.parent), path.stem)


def predict_split(
    recognizer: Recognizer, settings: EvaluationSettings, split: str | None = None, quiet: bool = False
) -> Predictions:
    """Load a split, preprocessed for the network, and predict its labels.

    Args:
        recognizer: the network.
        settings: folder of the images, their limit, and test-time augmentation.
        split: train, validation or test; `None` for that of `settings`.
        quiet: show no progress bars.

    Raises:
        FileNotFoundError: if the split is missing or unreadable; the message lists the existing splits.
        ValueError: if a folder is not named after one of the seven labels.
    """
    name = split or settings.split
    _require_split(settings.data_dir, name)
    loaded = load_split(settings.data_dir, name, recognizer.spec, settings.max_images, quiet)
    logits = predict_logits(recognizer, loaded.images, settings.flip, quiet)
    return Predictions(loaded, logits, recognizer.weights.temperature)


def predict_logits(
    recognizer: Recognizer, images: NDArray[np.uint8], flip: bool = False, quiet: bool = True
) -> NDArray[np.float32]:
    """Compute the logits `(n, 7)` of images `(n, size, size, c)` in batches.

    With `flip`, the logits of image and mirror image are averaged (test-time augmentation).
    """
    logits = np.zeros((len(images), 7), np.float32)
    for start in tqdm(range(0, len(images), BATCH), desc="predicting", unit="batch", disable=quiet, leave=False):
        batch = images[start : start + BATCH]
        logits[start : start + BATCH] = recognizer.logits(batch)
        if flip:
            logits[start : start + BATCH] += recognizer.logits(np.ascontiguousarray(batch[:, :, ::-1]))
    return np.asarray(logits / 2 if flip else logits, np.float32)


def _require_split(folder: Path, name: str) -> None:
    existing = [split for split in SPLITS if (Path(folder) / split).is_dir()]
    if existing and name not in existing:
        raise FileNotFoundError(
            f"`SPLIT` must be one of those in {folder}: {', '.join(existing)}, but got {name}; {DATA_HINT}"
        )
