"""Networks that have learned before tell a new one what they see in each picture: distillation (Hinton et al., 2015).

A teacher looks at the very picture that the network learns from, moved, relit and blended as it is, so that its answer
belongs to that picture (Beyer et al., *Knowledge distillation: A good teacher is patient and consistent*, 2022).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.settings import TrainingSettings
from fer_lib.training.augmentation import resize
from fer_lib.training.checkpoint import load_checkpoint
from fer_lib.training.folding import fold_batch_norm, load_exported
from fer_lib.training.model import build_model
from fer_lib.training.recipe import read_recipe
from fer_lib.training.run import find_run
from fer_lib.weights import load_emotion_weights


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
        mirror: whether they see each picture's mirror image too, and answer with the mean.
    """

    def __init__(self, teachers: list[Teacher], share: float, mirror: bool = False) -> None:
        self.teachers = teachers
        self.share = share
        self.mirror = mirror
        self._kept: dict[Hashable, Tensor] = {}

    @torch.no_grad()
    def blend(self, images: Tensor, targets: Tensor, batch: Hashable | None = None) -> Tensor:
        """Move targets `(n, 7)` towards the mean of what the teachers see in images `(n, c, s, s)`, as networks take them.

        `batch` names pictures that come again: the answers to them are kept under it. `None`: they come once.
        """
        answers = self._kept.get(batch)
        if answers is None:
            answers = self._answer(images).to(targets)
            if batch is not None:
                self._kept[batch] = answers
        return targets.lerp(answers, self.share)

    def _answer(self, images: Tensor) -> Tensor:
        views = [images, images.flip(-1)] if self.mirror else [images]
        answers = [
            one.network(resize(view, one.size)).float().softmax(dim=1) for one in self.teachers for view in views
        ]
        return torch.stack(answers).mean(dim=0)


def load_teachers(settings: TrainingSettings, device: torch.device) -> Teachers | None:
    """Load what `settings.teachers` names: the networks that runs kept, or exported ones; `None` if it names none.

    Raises:
        FileNotFoundError: if a run or a file is not there, or a run has kept no network.
        ValueError: if a network is damaged, or a teacher's pictures have other colours.
    """
    named = [part.strip() for part in (settings.teachers or "").split(",") if part.strip()]
    if not named:
        return None
    teachers = [_load_teacher(name, settings, device) for name in named]
    return Teachers(teachers, settings.teacher_share, settings.teacher_mirror)


def _load_teacher(name: str, settings: TrainingSettings, device: torch.device) -> Teacher:
    network, spec = (_load_file if name.endswith(".onnx") else _load_run)(name, settings)
    if spec.color != settings.color:
        raise ValueError(
            f"`TEACHERS` must see in {settings.color} as the new network does, but {name} sees in {spec.color}"
        )
    folded = fold_batch_norm(network.requires_grad_(False).eval())  # a quarter quicker
    return Teacher(folded.to(device), spec.size)


def _load_file(name: str, settings: TrainingSettings) -> tuple[nn.Module, CropSpec]:
    path = Path(name)
    spec = load_emotion_weights(path.parent, path.stem).crop_spec
    network = build_model(spec.channels)
    load_exported(network, path, "TEACHERS")
    return network, spec


def _load_run(name: str, settings: TrainingSettings) -> tuple[nn.Module, CropSpec]:
    run = find_run(name, settings.runs_dir)
    if run is None or not run.best.is_file():
        raise FileNotFoundError(f"`TEACHERS` must be runs or exported networks, but none that kept a network is {name}")
    learned = TrainingSettings.load(**read_recipe(run.folder))
    spec = CropSpec(learned.image_size, learned.color)
    network = build_model(spec.channels, architecture=learned.architecture)
    load_checkpoint(run.best, network)
    return network, spec
