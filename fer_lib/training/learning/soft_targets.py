"""Stored soft targets: the teachers' predictions for fixed augmented views of every training image.

The views are determined by seed and image order (`fer_lib.training.learning.augmentation.draw_views`), so a student can be
trained on any device without the teachers. 28,000 images × 20 views × 7 probabilities in float16 take 8 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from fer_lib.atomic_write import atomic_write
from fer_lib.labels import EMOTIONS
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.batches import Batches
from fer_lib.training.learning.distillation import Teachers

READ_ERRORS = (OSError, EOFError, KeyError, ValueError, BadZipFile)


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """The teachers' predictions for augmented views of images.

    Attributes:
        probabilities: `(views, n, 7)` float16, rows sum to 1.
        names: `(n,)` names of the images, in the order in which their views were drawn.
        seed: seed of the views.
        augmentation: strength of the augmentation.
    """

    probabilities: NDArray[np.float16]
    names: NDArray[np.str_]
    seed: int
    augmentation: str

    def to_tensors(self, names: tuple[str, ...], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the probabilities `(views, m, 7)` float32 and the row of each image in `names`, `(n,)`."""
        row_of = {name: row for row, name in enumerate(self.names.tolist())}
        rows = torch.tensor([row_of[name] for name in names], dtype=torch.int64)
        return torch.from_numpy(self.probabilities).to(device).float(), rows.to(device)


def predict_views(
    teachers: Teachers,
    batches: Batches,
    names: tuple[str, ...],
    settings: TrainingSettings,
    stored: SoftTargets | None = None,
) -> SoftTargets:
    """Predict `settings.teacher_views` views of every image with the teachers.

    Args:
        teachers: the networks.
        batches: the images.
        names: names of the images.
        settings: number, seed and strength of the views.
        stored: predictions for the same views by other teachers; the result then covers the images of `stored` and is the mean
            in which these predictions and each network have equal weight.
    """
    if stored is not None:  # the views of an image are determined by its row in `stored`
        batches.soft_targets, batches.soft_rows = stored.to_tensors(names, batches.images.device)
    views = tqdm(range(settings.teacher_views), desc="soft targets", unit="view", leave=False, delay=0.5)
    predicted = [
        torch.cat([_predict(teachers, images, settings) for images in batches.draw_view(view)]) for view in views
    ]
    stacked = torch.stack(predicted).float().cpu().numpy()
    if stored is None:
        return SoftTargets(stacked.astype(np.float16), np.array(names), settings.seed, settings.augmentation)
    return _average(stored, stacked, batches.soft_rows.cpu().numpy(), len(teachers.teachers))


def _average(
    stored: SoftTargets, predicted: NDArray[np.float32], rows: NDArray[np.int64], networks: int
) -> SoftTargets:
    """Average stored predictions with the mean `(views, n, 7)` of `networks` networks, for the images in `rows`."""
    mean = stored.probabilities[: len(predicted)].astype(np.float32)
    mean[:, rows] += (predicted - mean[:, rows]) * (networks / (networks + 1))
    return replace(stored, probabilities=mean.astype(np.float16))


def _predict(teachers: Teachers, images: Tensor, settings: TrainingSettings) -> Tensor:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        return teachers.predict(images).float()


def write_soft_targets(path: Path, soft: SoftTargets) -> None:
    """Write soft targets as a compressed `.npz` file, atomically."""
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream, probabilities=soft.probabilities, names=soft.names, seed=soft.seed, augmentation=soft.augmentation
        )


def read_soft_targets(path: Path, names: tuple[str, ...]) -> SoftTargets:
    """Read stored soft targets, which must contain the training images `names` and may contain others.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is damaged, or images are missing in it.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            parts = {name: stored[name] for name in ("probabilities", "names", "seed", "augmentation")}
            soft = SoftTargets(parts["probabilities"], parts["names"], int(parts["seed"]), str(parts["augmentation"]))
    except FileNotFoundError:
        raise FileNotFoundError(f"`TEACHERS` must be an existing file, but got {path}") from None
    except READ_ERRORS as error:
        raise ValueError(f"`TEACHERS` must be a file of stored soft targets, but {path} is damaged: {error}") from None
    if soft.probabilities.ndim != 3 or soft.probabilities.shape[1:] != (len(soft.names), len(EMOTIONS)):
        raise ValueError(
            f"the soft targets in {path} must have the shape (views, images, 7), but have {soft.probabilities.shape}"
        )
    missing = set(names) - set(soft.names.tolist())
    if missing:
        raise ValueError(
            f"the soft targets in {path} must contain all {len(names)} training images, but {len(missing)} are missing"
        )
    return soft


def check_views(soft: SoftTargets, settings: TrainingSettings, path: Path) -> None:
    """Check that the settings define the views that stored soft targets belong to.

    Raises:
        ValueError: if seed or augmentation differ, or more views are needed than are stored.
    """
    for name in ("seed", "augmentation"):
        if getattr(soft, name) != getattr(settings, name):
            raise ValueError(
                f"`{name.upper()}` must be {getattr(soft, name)}, as in the soft targets of {path},"
                f" but got {getattr(settings, name)}"
            )
    if settings.teacher_views > len(soft.probabilities):
        raise ValueError(
            f"`TEACHER_VIEWS` must be at most {len(soft.probabilities)}, as in the soft targets of {path},"
            f" but got {settings.teacher_views}"
        )
