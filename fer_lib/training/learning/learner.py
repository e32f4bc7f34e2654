"""The network in training and what moves it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import printable
from fer_lib.training.learning.batches import Batches
from fer_lib.training.learning.checkpoint import DamagedCheckpointError, load_checkpoint, save_checkpoint
from fer_lib.training.learning.distillation import load_teachers
from fer_lib.training.learning.ema import ExponentialMovingAverage
from fer_lib.training.learning.precision import use_float32_depthwise
from fer_lib.training.learning.steps import CudaGraphStep, Step
from fer_lib.training.model import PRETRAINED, build_model
from fer_lib.training.networks.batch_norm_folding import estimate_batch_norm
from fer_lib.training.networks.shared_batch_norm import share_batch_norm
from fer_lib.training.runs.run import Run, find_run, kept_epoch
from fer_lib.weights import load_emotion_weights

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": partial(torch.optim.AdamW, fused=True),
    "adam": partial(torch.optim.Adam, fused=True),
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True),
}


@dataclass
class Learner:
    """The network in training and what moves it."""

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: ExponentialMovingAverage | None
    step: Step
    next_epoch: int = 0
    best: dict[str, Any] = field(default_factory=dict)
    saved_s: float = float("-inf")

    def set_learning_rate(self, rate: float) -> None:
        """Let the next steps move the weights at another rate."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    @property
    def network(self) -> nn.Module:
        """The network to judge and to keep: the averaged one, where there is one."""
        return self.average.module if self.average is not None else self.accelerator.unwrap_model(self.model)


def build_learner(settings: TrainingSettings, spec: CropSpec) -> Learner:
    """Build network, optimizer and average, and load the teachers, on the device that the settings ask for."""
    torch.manual_seed(settings.seed)
    # Processes without a card must be told so, or each of them trains on its own.
    accelerator = Accelerator(cpu=settings.device == "cpu" or not torch.accelerator.is_available())
    model = build_model(
        spec.channels,
        settings.dropout_rate,
        resolve_initial_weights(settings),
        settings.stochastic_depth,
        settings.architecture,
    )
    if accelerator.num_processes > 1 and settings.shared_batch_norm:
        model = share_batch_norm(model, accelerator.device)
    if settings.precision == "bfloat16" and accelerator.device.type == "cpu":
        model = use_float32_depthwise(model)
    model, optimizer = accelerator.prepare(model, _make_optimizer(model, settings, accelerator))
    average = (
        ExponentialMovingAverage(accelerator.unwrap_model(model), settings.ema_decay) if settings.ema_decay else None
    )
    teachers = load_teachers(settings, accelerator.device)
    takes = CudaGraphStep if _uses_cuda_graph(accelerator) else Step
    step = takes(accelerator, model, optimizer, average, teachers, settings)
    return Learner(accelerator, model, optimizer, average, step)


def _uses_cuda_graph(accelerator: Accelerator) -> bool:
    """Whether steps are recorded and played back: on one graphics card."""
    return accelerator.device.type == "cuda" and accelerator.num_processes == 1


def _make_optimizer(model: nn.Module, settings: TrainingSettings, accelerator: Accelerator) -> torch.optim.Optimizer:
    """Make what moves the weights; for a recorded step its rate lies on the card, where it can be changed."""
    how: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if _uses_cuda_graph(accelerator):
        how["lr"] = torch.tensor(settings.learning_rate, device=accelerator.device)
        if settings.optimizer != "sgd":
            how["capturable"] = True
    return OPTIMIZERS[settings.optimizer](model.parameters(), **how)


def resolve_initial_weights(settings: TrainingSettings) -> str:
    """Return `initial_weights`, or where the network lies that the run kept which they name.

    Raises:
        FileNotFoundError: if they name an exported network without a card.
        ValueError: if it does not match its card.
    """
    named = settings.initial_weights
    if named in ("none", *PRETRAINED):
        return named
    run, path = find_run(named, settings.runs_dir), Path(named)
    if run is None and path.suffix == ".onnx" and path.is_file():
        load_emotion_weights(path.parent, path.stem)  # refuses a file that is not what its card describes
    return str(run.best) if run is not None else named


def initialize_batch_norm(learner: Learner, batches: Batches) -> None:
    """Give a network that came from an ONNX file the statistics of the first batches."""
    pictures = torch.cat([images for images, _ in itertools.islice(batches.draw_epoch(0), 2)])
    plain = learner.accelerator.unwrap_model(learner.model)
    estimate_batch_norm(plain, pictures)
    if learner.average is not None:  # a copy of it so far
        learner.average.module.load_state_dict(plain.state_dict())


def resume_learner(learner: Learner, run: Run) -> None:
    """Bring a learner to where the run's checkpoint stands, or the one before if that is damaged.

    Raises:
        ValueError: if both are damaged, or belong to another network.
    """
    plain = learner.accelerator.unwrap_model(learner.model)
    try:
        progress = load_checkpoint(run.checkpoint, plain, learner.optimizer, learner.average)
    except DamagedCheckpointError as error:
        if not run.previous.is_file():
            raise
        progress = load_checkpoint(run.previous, plain, learner.optimizer, learner.average)
        learner.accelerator.print(
            f"{printable(error)}; until then the run goes on from the one before: {run.previous.name}"
        )
    learner.next_epoch, learner.best = progress["next_epoch"], progress["best"]


def keep_epoch(learner: Learner, run: Run, metrics: dict[str, Any], settings: TrainingSettings) -> None:
    """Save the metrics, the checkpoint if it is due, and the network if `keep_by` prefers it to those before."""
    learner.next_epoch = metrics["epoch"] + 1
    learner.best = kept_epoch([learner.best, metrics] if learner.best else [metrics], settings.keep_by)
    is_best = learner.best is metrics
    if not learner.accelerator.is_main_process:
        return
    progress = {"next_epoch": learner.next_epoch, "best": learner.best}
    if is_best:
        save_checkpoint(run.best, learner.network, None, None, progress)
    run.log_epoch(metrics)
    is_last = learner.next_epoch >= settings.num_epochs
    if is_last or time.monotonic() - learner.saved_s >= settings.checkpoint_s:
        plain = learner.accelerator.unwrap_model(learner.model)
        save_checkpoint(run.checkpoint, plain, learner.optimizer, learner.average, progress, run.previous)
        learner.saved_s = time.monotonic()
