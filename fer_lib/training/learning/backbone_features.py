"""Compute and cache the features of a frozen backbone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import EfficientNet
from tqdm.auto import tqdm

from fer_lib.atomic_write import atomic_write
from fer_lib.dataset.image_folders import Split
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.batches import Batches
from fer_lib.training.networks.batch_norm_folding import fold_batch_norm


def compute_features(
    network: nn.Module, batches: Batches, split: Split, settings: TrainingSettings, views: int
) -> Tensor:
    """Compute the classifier's input features of plain, mirrored and augmented images, or read them from the cache.

    Args:
        network: EfficientNet-B0; used in evaluation mode.
        batches: the images.
        split: split of the images, for the name of the cache.
        settings: size, seed and strength of the views.
        views: augmented views in addition to the plain and the mirrored one; 0: the plain one only.

    Returns:
        `(1, n, 1280)` or `(2 + views, n, 1280)` float16, on the CPU.
    """
    key = _cache_key(network, batches, settings)
    folder = settings.data_dir.absolute().parent / "cache"
    kinds = ["plain", "mirrored", *(f"view-{view}" for view in range(views))] if views else ["plain"]
    backbone: nn.Module | None = None
    features = []
    for kind in tqdm(kinds, desc=f"features {split.name}", unit="view", leave=False, delay=0.5):
        path = folder / f"features-{split.name}-{kind}-{key}.npy"
        if not path.is_file():
            backbone = backbone or _extract_backbone(network, batches.images.device)
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, _run_backbone(backbone, _images(batches, kind)))
        features.append(torch.from_numpy(np.load(path, allow_pickle=False)))
    return torch.stack(features)


def _images(batches: Batches, kind: str) -> Iterable[Tensor]:
    if kind.startswith("view-"):
        return batches.draw_view(int(kind.removeprefix("view-")))
    mirrored = kind == "mirrored"
    return (images.flip(-1) if mirrored else images for images, _ in batches.iterate())


def _extract_backbone(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the layers before the classifier, with folded batch normalisation, on the device."""
    copied = cast(EfficientNet, fold_batch_norm(deepcopy(network).requires_grad_(False).eval()))
    backbone = nn.Sequential(copied.features, copied.avgpool, nn.Flatten())
    return backbone.to(device).to(memory_format=torch.channels_last)


@torch.inference_mode()
def _run_backbone(backbone: nn.Module, images: Iterable[Tensor]) -> NDArray[np.float16]:
    return torch.cat([backbone(batch).half().cpu() for batch in images]).numpy()


def _cache_key(network: nn.Module, batches: Batches, settings: TrainingSettings) -> str:
    """Return the cache key, 16 hexadecimal digits of the SHA-256 of weights, images, size, seed and strength of the views."""
    digest = hashlib.sha256(f"{settings.image_size} {settings.seed} {settings.augmentation}".encode())
    for tensor in _hashed_tensors(network, batches):
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _hashed_tensors(network: nn.Module, batches: Batches) -> Iterator[Tensor]:
    yield batches.images
    for name, value in network.state_dict().items():
        if not name.startswith("classifier"):
            yield value.reshape(-1)
