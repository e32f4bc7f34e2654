"""Networks that have learned before tell a new one what they see in each picture: distillation (Hinton et al., 2015).

A teacher looks at the very picture that the network learns from, moved, relit and blended as it is, so that its answer
belongs to that picture (Beyer et al., *Knowledge distillation: A good teacher is patient and consistent*, 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.settings import TrainingSettings
from fer_lib.training.augmentation import resize
from fer_lib.training.checkpoint import load_checkpoint
from fer_lib.training.model import build_model
from fer_lib.training.run import Run, read_recipe


@dataclass(frozen=True)
class Teacher:
    """A network that has learned, and the side of the pictures, in pixels, that it learned from."""

    network: nn.Module
    size: int


class Teachers:
    """Networks whose answers become a part of the targets.

    Args:
        teachers: the networks.
        share: of their answers in the targets, in [0, 1].
    """

    def __init__(self, teachers: list[Teacher], share: float) -> None:
        self.teachers = teachers
        self.share = share

    @torch.no_grad()
    def blend(self, images: Tensor, targets: Tensor) -> Tensor:
        """Move targets `(n, 7)` towards the mean of what the teachers see in images `(n, c, s, s)`, as networks take them."""
        answers = [one.network(resize(images, one.size)).float().softmax(dim=1) for one in self.teachers]
        return targets.lerp(torch.stack(answers).mean(dim=0).to(targets), self.share)


def load_teachers(settings: TrainingSettings, device: torch.device) -> Teachers | None:
    """Load the network that was kept of each run that `settings.teachers` names; `None` if it names none.

    Raises:
        FileNotFoundError: if a folder is no run's or holds no network.
        ValueError: if a checkpoint is damaged, or a teacher's pictures have other colours.
    """
    folders = [Path(part.strip()) for part in (settings.teachers or "").split(",") if part.strip()]
    if not folders:
        return None
    return Teachers([_load_teacher(folder, settings, device) for folder in folders], settings.teacher_share)


def _load_teacher(folder: Path, settings: TrainingSettings, device: torch.device) -> Teacher:
    run = Run(folder)
    if not (run.record.is_file() and run.best.is_file()):
        raise FileNotFoundError(
            f"`TEACHERS` must be folders of runs, but {folder} holds no {run.best.name} with its settings"
        )
    learned = TrainingSettings.load(**read_recipe(folder))
    if learned.color != settings.color:
        raise ValueError(
            f"`TEACHERS` must see in {settings.color} as the new network does, but {folder} sees in {learned.color}"
        )
    spec = CropSpec(learned.image_size, learned.color)
    network = build_model(spec.channels, architecture=learned.architecture)
    load_checkpoint(run.best, network)
    return Teacher(network.requires_grad_(False).eval().to(device), spec.size)
