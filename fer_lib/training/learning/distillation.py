"""Knowledge distillation: blend the teachers' soft predictions into the targets (Hinton et al., 2015).

Teachers predict for the same augmented view that the student is trained on (Beyer et al., *Knowledge distillation: A good
teacher is patient and consistent*, 2022). The predictions of teachers trained with logit adjustment correspond to a uniform
label prior; `adjust` converts them to the prior of the training labels, which the student's loss expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.augmentation import resize
from fer_lib.training.learning.checkpoint import load_checkpoint
from fer_lib.training.model import build_model
from fer_lib.training.networks.batch_norm_folding import fold_batch_norm, load_onnx_weights
from fer_lib.training.runs.run import find_run
from fer_lib.weights import load_emotion_weights


@dataclass(frozen=True)
class Teacher:
    """A trained network and the side of its input, in pixels."""

    network: nn.Module
    size: int


class Teachers:
    """Ensemble of teachers whose mean prediction is blended into the targets.

    Args:
        teachers: the networks.
        share: weight of their prediction in the targets, in [0, 1].
    """

    def __init__(self, teachers: list[Teacher], share: float) -> None:
        self.teachers = teachers
        self.share = share

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Return the teachers' mean probabilities `(n, 7)` for normalised images `(n, c, s, s)`."""
        predictions = [one.network(resize(images, one.size)).float().softmax(dim=1) for one in self.teachers]
        return torch.stack(predictions).mean(dim=0)

    def blend(self, images: Tensor, targets: Tensor, adjustment: Tensor | None = None) -> Tensor:
        """Blend targets `(n, 7)` with the adjusted prediction for images `(n, c, s, s)`."""
        return blend_predictions(targets, self.predict(images), adjustment, self.share)


def blend_predictions(targets: Tensor, probabilities: Tensor, adjustment: Tensor | None, share: float) -> Tensor:
    """Blend targets `(n, 7)` with the teachers' adjusted probabilities `(n, 7)`: weight `share` in [0, 1]."""
    return targets.lerp(adjust(probabilities, adjustment).to(targets), share)


def adjust(probabilities: Tensor, adjustment: Tensor | None) -> Tensor:
    """Add `adjustment` `(7,)` to the log-probabilities `(..., 7)` and renormalise; `None`: return the same object."""
    if adjustment is None:
        return probabilities
    return (probabilities.clamp_min(1e-9).log() + adjustment).softmax(dim=-1)


def load_teachers(settings: TrainingSettings, device: torch.device) -> Teachers | None:
    """Load the networks of `settings.teachers`, runs or exported networks; `None` without networks.

    Raises:
        FileNotFoundError: if a run or file does not exist, or a run has no saved network.
        ValueError: if a network is damaged, a teacher has another input colour, or `settings.teachers` combines networks with
            stored predictions while `settings.teacher_views` is 0.
    """
    if not settings.teacher_networks:
        return None
    if settings.teachers_file is not None and not settings.teacher_views:
        raise ValueError(
            "`TEACHER_VIEWS` must be at least 1 if `TEACHERS` combines stored predictions with networks, but got 0"
        )
    teachers = [_load_teacher(name, settings, device) for name in settings.teacher_networks]
    return Teachers(teachers, settings.teacher_share)


def _load_teacher(name: str, settings: TrainingSettings, device: torch.device) -> Teacher:
    network, spec = (_load_exported if name.endswith(".onnx") else _load_run)(name, settings)
    if spec.color != settings.color:
        raise ValueError(f"`TEACHERS` must have the input colour `COLOR={settings.color}`, but {name} has {spec.color}")
    folded = fold_batch_norm(network.requires_grad_(False).eval())  # 25 % faster
    return Teacher(folded.to(device), spec.size)


def _load_exported(name: str, settings: TrainingSettings) -> tuple[nn.Module, CropSpec]:
    path = Path(name)
    spec = load_emotion_weights(path.parent, path.stem).crop_spec
    network = build_model(spec.channels)
    load_onnx_weights(network, path, "TEACHERS")
    return network, spec


def _load_run(name: str, settings: TrainingSettings) -> tuple[nn.Module, CropSpec]:
    run = find_run(name, settings.runs_dir)
    if run is None or not run.best.is_file():
        raise FileNotFoundError(f"`TEACHERS` must be runs with a saved network or exported networks, but got {name}")
    record = run.read_settings()
    teacher = TrainingSettings.load(**{name: record.get(name) for name in ("image_size", "color", "architecture")})
    spec = CropSpec(teacher.image_size, teacher.color)
    network = build_model(spec.channels, architecture=teacher.architecture)
    load_checkpoint(run.best, network)
    return network, spec
