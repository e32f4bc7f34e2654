"""Training batches from images in memory: sampling, order, augmentation, targets.

All random numbers of an epoch are seeded by the setting `seed` and the epoch, so an epoch repeated after an interruption has
the same batches.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchsampler import ImbalancedDatasetSampler

from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.augmentation import augment, cut_mix, draw_jitter, draw_views, mix_up, resize


class Batches:
    """Batches of one split, on one device.

    Args:
        images: `(n, s, s, c)` uint8.
        targets: `(n, 7)` float32, rows sum to 1.
        spec: side of the batches' images, and normalisation of pixels.
        settings: batch size, sampler, augmentation, seed.
        device: device that stores the images.

    Attributes:
        soft_targets: `(views, m, 7)`, the teachers' probabilities for fixed augmented views of `m` images, adjusted to the label
            prior (`fer_lib.training.learning.distillation.adjust`); the epochs then cycle through these views. `None`: every epoch draws
            new views.
        soft_rows: `(n,)`, index of each image among the `m`.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        targets: NDArray[np.float32],
        spec: CropSpec,
        settings: TrainingSettings,
        device: torch.device,
    ) -> None:
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(device)
        self.targets = torch.from_numpy(targets).to(device)
        self.soft_targets: Tensor | None = None
        self.soft_rows = torch.arange(len(images), device=device)
        self.spec = spec
        self.settings = settings

    def __len__(self) -> int:
        """Return the number of full batches per epoch; 1 for fewer images than the batch size."""
        return max(len(self.images) // self.settings.batch_size, 1)

    def draw_epoch(self, epoch: int, rank: int = 0, world_size: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the augmented training batches of an epoch, as `(images, targets)`.

        Args:
            epoch: epoch from 0; part of the seed of all random numbers.
            rank: rank of this process.
            world_size: number of processes; each augments the whole batch and yields its share, so that the images of a batch
                do not depend on the number of processes.
        """
        order = self._draw_order(epoch).to(self.images.device)
        generator = torch.Generator(self.images.device).manual_seed(_derive_seed(self.settings.seed, epoch, 1))
        choices = torch.rand(
            len(self), generator=torch.Generator().manual_seed(_derive_seed(self.settings.seed, epoch, 2))
        )
        view = epoch if self.soft_targets is None else epoch % len(self.soft_targets)
        draws = self._draw_view(view)
        jitter = self._draw_jitter(epoch)
        for choice, start in zip(choices.tolist(), itertools.count(0, self.settings.batch_size)):
            rows = order[start : start + self.settings.batch_size]
            # An image that is sampled twice in an epoch gets two views, unless its soft targets belong to one view.
            drawn = draws[start : start + len(rows)] if self.soft_targets is None else draws[rows]
            batch_jitter = None if jitter is None else jitter[start : start + len(rows)]
            pixels, targets = self.augment(rows, drawn, generator, batch_jitter), self._targets(rows, view)
            pixels, targets = self._blend(pixels, targets, choice, generator)
            yield self._normalize(pixels[rank::world_size]), targets[rank::world_size]

    def draw_view(self, view: int, batch_size: int = 256) -> Iterator[Tensor]:
        """Yield one augmented view of every image, in order, normalised: `(b, c, s, s)`."""
        draws = self._draw_view(view)
        generator = torch.Generator(self.images.device).manual_seed(_derive_seed(self.settings.seed, view, 4))
        for rows in torch.arange(len(self.images), device=self.images.device).split(batch_size):
            yield self._normalize(self.augment(rows, draws[rows], generator))

    def augment(self, rows: Tensor, draws: Tensor, generator: torch.Generator, jitter: Tensor | None = None) -> Tensor:
        """Return an augmented view of the images in `rows`, `(b, c, s, s)` in [0, 1]."""
        return augment(
            self.images[rows].float() / 255, self.settings.augmentation, self.spec.size, draws, generator, jitter
        )

    def label_prior(self) -> Tensor:
        """Return the label prior under the sampler, `(7,)`, summing to 1: the expected mean target, for logit adjustment."""
        weights = self._sampling_weights().to(self.targets)
        return (self.targets * weights[:, None]).sum(dim=0) / weights.sum()

    def iterate(self, batch_size: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every image once, in order, without augmentation, as `(images, targets)`."""
        for start in range(0, len(self.images), batch_size):
            pixels = self.images[start : start + batch_size].float() / 255
            yield self._normalize(resize(pixels, self.spec.size)), self.targets[start : start + batch_size]

    def _normalize(self, pixels: Tensor) -> Tensor:
        return ((pixels - self.spec.mean) / self.spec.std).contiguous(memory_format=torch.channels_last)

    def _draw_view(self, view: int) -> Tensor:
        count = len(self.images) if self.soft_targets is None else self.soft_targets.shape[1]
        return draw_views(count, _derive_seed(self.settings.seed, view, 3)).to(self.images.device)[self.soft_rows]

    def _draw_jitter(self, epoch: int) -> Tensor | None:
        if not self.settings.crop_jitter:
            return None
        seed = _derive_seed(self.settings.seed, epoch, 5)
        return draw_jitter(len(self.images), seed, self.settings.crop_jitter).to(self.images.device)

    def _targets(self, rows: Tensor, view: int) -> Tensor:
        targets = self.targets[rows]
        if self.soft_targets is None:
            return targets
        return targets.lerp(self.soft_targets[view, self.soft_rows[rows]].to(targets), self.settings.teacher_share)

    def _blend(
        self, pixels: Tensor, targets: Tensor, choice: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Apply mixup or CutMix; if both are enabled, `choice` in [0, 1) selects one with probability 0.5."""
        mixup, cutmix = self.settings.mixup, self.settings.cutmix
        if cutmix and (choice < 0.5 or not mixup):
            return cut_mix(pixels, targets, cutmix, generator)
        return mix_up(pixels, targets, mixup, generator) if mixup else (pixels, targets)

    def _draw_order(self, epoch: int) -> Tensor:
        n, seed = len(self.images), _derive_seed(self.settings.seed, epoch, 0)
        if self.settings.sampler == "none":
            return torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        if self.settings.sampler == "root":
            weights = self._sampling_weights()
            return torch.multinomial(weights, n, replacement=True, generator=torch.Generator().manual_seed(seed))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return torch.tensor(list(ImbalancedDatasetSampler(range(n), labels=self._labels().tolist())))

    def _sampling_weights(self) -> Tensor:
        """Return unnormalised sampling weights `(n,)`, on the CPU."""
        power = {"none": 0.0, "root": -0.5, "balanced": -1.0}[self.settings.sampler]
        labels = self._labels()
        return labels.bincount().double().pow(power)[labels]

    def _labels(self) -> Tensor:
        return self.targets.argmax(dim=1).cpu()


def one_hot(targets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Encode target indices `(n,)` as one-hot rows `(n, 7)`."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[targets]


def _derive_seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
