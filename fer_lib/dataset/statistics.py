"""Statistics of labelled faces: brightness, contrast, mean faces, sampling, agreement with FER+ votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.dataset.image_folders import Split
from fer_lib.labels import EMOTIONS

SAMPLERS = ("none", "root", "balanced")


@dataclass(frozen=True, eq=False)
class BrightnessStatistics:
    """Brightness and contrast of images.

    Attributes:
        brightness: `(n,)` mean grey level, 0 to 255.
        contrast: `(n,)` standard deviation of the grey levels, 0 to 127.5.
    """

    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SamplingStatistics:
    """Expected composition of one epoch under one sampler, by label.

    Attributes:
        images: expected number of draws of the label.
        times: expected draws per image of the label.
        unseen: expected fraction of the label's images that are never drawn.
    """

    images: dict[str, float]
    times: dict[str, float]
    unseen: dict[str, float]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of labels with FER+ votes.

    Attributes:
        table: `(7, 7)` confusion matrix: label (row), emotion with the most votes (column).
        consensus: `(n,)` vote share of the most frequent emotion, for each image with votes.
    """

    table: NDArray[np.int64]
    consensus: NDArray[np.float32]

    @property
    def overall(self) -> float:
        """Fraction of the images with votes whose label has the most votes; NaN without votes."""
        return float(self.table.trace() / self.table.sum()) if self.table.sum() else float("nan")

    @property
    def per_label(self) -> dict[str, float]:
        """`overall` for each label that has images with votes."""
        totals = self.table.sum(axis=1)
        return {label: float(self.table[i, i] / totals[i]) for i, label in enumerate(EMOTIONS) if totals[i]}


def measure_brightness(images: NDArray[np.uint8]) -> BrightnessStatistics:
    """Measure brightness and contrast of images `(n, h, w, c)`; `n = 0` gives no values."""
    brightness, contrast = np.empty(len(images)), np.empty(len(images))
    for row, image in enumerate(images):
        brightness[row], contrast[row] = image.mean(), image.std()
    return BrightnessStatistics(brightness, contrast)


def find_extremes(
    images: NDArray[np.uint8], light: BrightnessStatistics, count: int = 12
) -> dict[str, NDArray[np.uint8]]:
    """Select the `count` images `(n, h, w, c)` of lowest and highest brightness and contrast."""
    by_light, by_contrast = (np.argsort(values, kind="stable") for values in (light.brightness, light.contrast))
    return {
        "darkest": images[by_light[:count]],
        "brightest": images[by_light[::-1][:count]],
        "flattest": images[by_contrast[:count]],
        "most contrast": images[by_contrast[::-1][:count]],
    }


def mean_faces(images: NDArray[np.uint8], targets: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Compute the mean image `(h, w, c)`, in grey levels, of each label that occurs among images `(n, h, w, c)`."""
    return {label: images[targets == target].mean(axis=0) for target, label in enumerate(EMOTIONS) if target in targets}


def sample_faces(split: Split, count: int, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Sample up to `count` images of each label that occurs, without replacement; reproducible by `seed`."""
    random = np.random.default_rng(seed)
    sampled = {}
    for target, label in enumerate(EMOTIONS):
        rows = np.flatnonzero(split.targets == target)
        if len(rows):
            sampled[label] = split.images[np.sort(random.permutation(rows)[:count])]
    return sampled


def expected_sampling(counts: Mapping[str, int], sampler: str) -> SamplingStatistics:
    """Compute the expected composition of an epoch with as many draws as there are images.

    Args:
        counts: number of images of each label.
        sampler: none, root or balanced, as in `TrainingSettings.sampler`.
    """
    present = {label: count for label, count in counts.items() if count}
    total = sum(present.values())
    power = {"none": 1.0, "root": 0.5, "balanced": 0.0}[sampler]
    weights = {label: count**power for label, count in present.items()}
    scale = total / sum(weights.values()) if weights else 0.0
    images = {label: weight * scale for label, weight in weights.items()}
    times = {label: images[label] / count for label, count in present.items()}
    unseen = {label: 0.0 if sampler == "none" else (1 - often / total) ** total for label, often in times.items()}
    return SamplingStatistics(images, times, unseen)


def compare_votes(splits: Sequence[Split], votes: Mapping[str, NDArray[np.float32]]) -> Agreement:
    """Compare labels with the majority vote (ties: the first in `EMOTIONS`).

    Args:
        splits: images and labels.
        votes: vote shares `(7,)` by image name, as from `read_votes`.
    """
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    consensus = []
    for split in splits:
        for name, target in zip(split.names, split.targets, strict=True):
            if name in votes:
                table[target, votes[name].argmax()] += 1
                consensus.append(votes[name].max())
    return Agreement(table, np.array(consensus, np.float32))
