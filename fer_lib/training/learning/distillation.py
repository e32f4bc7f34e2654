"""Knowledge distillation: blend the teachers' soft predictions into the targets (Hinton et al., 2015).

A teacher sees the very augmented image that the network learns from (Beyer et al., *Knowledge distillation: A good
teacher is patient and consistent*, 2022). Teachers trained with logit adjustment predict as if all labels were about equally
frequent; `adjust` turns that into the proportions of the training labels, which the loss of the new network expects.
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
    """A network that has learned, and the side of the pictures, in pixels, that it learned from."""

    network: nn.Module
    size: int


class Teachers:
    """Networks whose mean prediction becomes a part of the targets.

    Args:
        teachers: the networks.
        share: of their prediction in the targets, in [0, 1].
    """

    def __init__(self, teachers: list[Teacher], share: float) -> None:
        self.teachers = teachers
        self.share = share

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Return the teachers' mean probabilities `(n, 7)` for images `(n, c, s, s)`, as networks take them."""
        answers = [one.network(resize(images, one.size)).float().softmax(dim=1) for one in self.teachers]
        return torch.stack(answers).mean(dim=0)

    def blend(self, images: Tensor, targets: Tensor, adjustment: Tensor | None = None) -> Tensor:
        """Blend targets `(n, 7)` with the prediction for images `(n, c, s, s)`, after `adjust`."""
        return blend_predictions(targets, self.predict(images), adjustment, self.share)


def blend_predictions(targets: Tensor, probabilities: Tensor, adjustment: Tensor | None, share: float) -> Tensor:
    """Blend targets `(n, 7)` with `share` of the teachers' probabilities `(n, 7)`, after `adjust`."""
    return targets.lerp(adjust(probabilities, adjustment).to(targets), share)


def adjust(probabilities: Tensor, adjustment: Tensor | None) -> Tensor:
    """Add `adjustment` `(7,)` to the logarithms of probabilities `(..., 7)` and normalize; `None`: return them as they are."""
    if adjustment is None:
        return probabilities
    return (probabilities.clamp_min(1e-9).log() + adjustment).softmax(dim=-1)


def load_teachers(settings: TrainingSettings, device: torch.device) -> Teachers | None:
    """Load the networks that `settings.teachers` names, of runs or exported; `None` if it names none.

    Raises:
        FileNotFoundError: if a run or a file is not there, or a run has kept no network.
        ValueError: if a network is damaged, a teacher's pictures have other colours, or stored predictions are beside the networks
            but `settings.teacher_views` is 0.
    """
    if not settings.teacher_networks:
        return None
    if settings.teachers_file is not None and not settings.teacher_views:
        raise ValueError(
            "`TEACHER_VIEWS` must be at least 1 where `TEACHERS` names stored predictions beside networks, but got 0"
        )
    teachers = [_load_teacher(name, settings, device) for name in settings.teacher_networks]
    return Teachers(teachers, settings.teacher_share)


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
    load_onnx_weights(network, path, "TEACHERS")
    return network, spec


def _load_run(name: str, settings: TrainingSettings) -> tuple[nn.Module, CropSpec]:
    run = find_run(name, settings.runs_dir)
    if run is None or not run.best.is_file():
        raise FileNotFoundError(f"`TEACHERS` must be runs or exported networks, but none that kept a network is {name}")
    known = run.read_settings()
    learned = TrainingSettings.load(**{name: known.get(name) for name in ("image_size", "color", "architecture")})
    spec = CropSpec(learned.image_size, learned.color)
    network = build_model(spec.channels, architecture=learned.architecture)
    load_checkpoint(run.best, network)
    return network, spec
