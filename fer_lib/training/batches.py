"""Images in memory become batches on the device: which are drawn, in which order, varied how.

Every random choice of an epoch follows from the seed and the epoch's number alone, so an epoch that is
run again after an interruption draws the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchsampler import ImbalancedDatasetSampler

from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.settings import TrainingSettings
from fer_lib.training.augmentation import augment, mix_up, resize


class Batches:
    """The batches of one split, on one device.

    Args:
        images: `(n, s, s, c)` uint8.
        targets: `(n, 7)` float32, rows sum to 1.
        spec: how pixels become numbers.
        settings: batch size, sampler, augmentation, seed.
        device: where the images live.
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
        self.spec = spec
        self.settings = settings

    def __len__(self) -> int:
        """Full batches of an epoch; one, if there are fewer images than a batch holds."""
        return max(len(self.images) // self.settings.batch_size, 1)

    def drawn_as(self, epoch: int) -> int:
        """Return the first epoch that draws what this one does: itself, unless pictures come again."""
        return epoch % self.settings.repeat_after if self.settings.repeat_after else epoch

    def draw_epoch(self, epoch: int, size: int, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the training batches of an epoch, varied, as `(images, targets)`.

        Args:
            epoch: its number; together with the seed it decides everything random (after `repeat_after` epochs, again).
            size: side of the images in pixels.
            rank: which process this is.
            world: of how many; each varies the whole batch alike and keeps its share, so that any number of
                processes sees the same images.
        """
        epoch = self.drawn_as(epoch)
        order = self._draw_order(epoch).to(self.images.device)
        generator = torch.Generator(self.images.device).manual_seed(_mix_seed(self.settings.seed, epoch, 1))
        for start in range(0, len(self) * self.settings.batch_size, self.settings.batch_size):
            rows = order[start : start + self.settings.batch_size]
            pixels = augment(self.images[rows].float() / 255, self.settings.augmentation, size, generator)
            targets = self.targets[rows]
            if self.settings.mixup:
                pixels, targets = mix_up(pixels, targets, self.settings.mixup, generator)
            yield self._normalize(pixels[rank::world]), targets[rank::world]

    def walk(self, size: int | None = None, batch_size: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every image once, in order and unvaried, `size` pixels a side; `None`: as the specification says."""
        for start in range(0, len(self.images), batch_size):
            pixels = self.images[start : start + batch_size].float() / 255
            yield self._normalize(resize(pixels, size or self.spec.size)), self.targets[start : start + batch_size]

    def _normalize(self, pixels: Tensor) -> Tensor:
        return ((pixels - self.spec.mean) / self.spec.std).contiguous(memory_format=torch.channels_last)

    def _draw_order(self, epoch: int) -> Tensor:
        n = len(self.images)
        seed = _mix_seed(self.settings.seed, epoch, 0)
        if self.settings.sampler == "none":
            return torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        labels = self.targets.argmax(dim=1).cpu()
        if self.settings.sampler == "root":
            weights = labels.bincount().double().rsqrt()[labels]
            return torch.multinomial(weights, n, replacement=True, generator=torch.Generator().manual_seed(seed))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return torch.tensor(list(ImbalancedDatasetSampler(range(n), labels=labels.tolist())))


def one_hot(targets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Turn `(n,)` places into rows `(n, 7)` with a single one."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[targets]


def _mix_seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
