"""What a set of labelled faces is like, in numbers: light, mean faces, what a sampler draws, what people voted."""

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
    """How bright and how rich in contrast images are.

    Attributes:
        brightness: `(n,)` mean grey level, 0 to 255.
        contrast: `(n,)` standard deviation of the grey levels, 0 to 127.5.
    """

    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SamplingStatistics:
    """What one epoch draws from a split under one sampler, on average.

    Attributes:
        images: how many images of each label are shown.
        times: how often one image of the label is shown.
        unseen: share of the label's images that are not shown at all.
    """

    images: dict[str, float]
    times: dict[str, float]
    unseen: dict[str, float]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Labels beside the votes of people.

    Attributes:
        table: `(7, 7)` images by label, a row, and by the emotion with the most votes, a column.
        consensus: `(n,)` share of the votes that the first emotion has, of each image with votes.
    """

    table: NDArray[np.int64]
    consensus: NDArray[np.float32]

    @property
    def overall(self) -> float:
        """Share of the images with votes whose label has the most votes; NaN without any."""
        return float(self.table.trace() / self.table.sum()) if self.table.sum() else float("nan")

    @property
    def per_label(self) -> dict[str, float]:
        """The same for each label that has images with votes."""
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
    """Pick the `count` darkest, brightest, flattest and most contrasting of the images `(n, h, w, c)`."""
    by_light, by_contrast = (np.argsort(values, kind="stable") for values in (light.brightness, light.contrast))
    return {
        "darkest": images[by_light[:count]],
        "brightest": images[by_light[::-1][:count]],
        "flattest": images[by_contrast[:count]],
        "most contrast": images[by_contrast[::-1][:count]],
    }


def mean_faces(images: NDArray[np.uint8], targets: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Average the images `(n, h, w, c)` of each label that occurs; each mean is `(h, w, c)` in grey levels."""
    return {label: images[targets == target].mean(axis=0) for target, label in enumerate(EMOTIONS) if target in targets}


def sample_faces(split: Split, count: int, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Pick up to `count` images of each label that occurs, at random but always the same."""
    random = np.random.default_rng(seed)
    picked = {}
    for target, label in enumerate(EMOTIONS):
        rows = np.flatnonzero(split.targets == target)
        if len(rows):
            picked[label] = split.images[np.sort(random.permutation(rows)[:count])]
    return picked


def expected_sampling(counts: Mapping[str, int], sampler: str) -> SamplingStatistics:
    """Compute what an epoch of as many draws as there are images shows, on average.

    Args:
        counts: images of each label.
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
    """Compare labels with the emotion that most people named, the first in `EMOTIONS` of equals.

    Args:
        splits: images and labels.
        votes: shares of the seven emotions by image name, as from `read_votes`.
    """
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    consensus = []
    for split in splits:
        for name, target in zip(split.names, split.targets, strict=True):
            if name in votes:
                table[target, votes[name].argmax()] += 1
                consensus.append(votes[name].max())
    return Agreement(table, np.array(consensus, np.float32))
