"""Training state: model, optimizer, EMA weights, accelerator; its construction, saving and resuming."""

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
from fer_lib.training.runs.run import Run, find_run, select_epoch
from fer_lib.weights import load_emotion_weights

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": partial(torch.optim.AdamW, fused=True),
    "adam": partial(torch.optim.Adam, fused=True),
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True),
}


@dataclass
class Learner:
    """State of a training.

    Attributes:
        accelerator: device and processes.
        model: network in training, wrapped by the accelerator.
        optimizer: optimizer of its weights.
        ema: EMA of its weights; `None`: disabled.
        step: training step.
        next_epoch: next epoch, from 0.
        best: metrics of the best epoch so far; empty before the first.
        saved_s: time of the last checkpoint, in seconds of `time.monotonic`.
    """

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    ema: ExponentialMovingAverage | None
    step: Step
    next_epoch: int = 0
    best: dict[str, Any] = field(default_factory=dict)
    saved_s: float = float("-inf")

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps; in place if it is a tensor of a CUDA graph."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    @property
    def network(self) -> nn.Module:
        """The network to evaluate and to save: the EMA if enabled, else the model."""
        return self.ema.module if self.ema is not None else self.accelerator.unwrap_model(self.model)


def build_learner(settings: TrainingSettings, spec: CropSpec) -> Learner:
    """Build model, optimizer and EMA, and load the teachers, on the device of the settings."""
    torch.manual_seed(settings.seed)
    # Without `cpu=True`, several CPU processes would train independently.
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
    ema = ExponentialMovingAverage(accelerator.unwrap_model(model), settings.ema_decay) if settings.ema_decay else None
    teachers = load_teachers(settings, accelerator.device)
    step_class = CudaGraphStep if _uses_cuda_graph(accelerator) else Step
    step = step_class(accelerator, model, optimizer, ema, teachers, settings)
    return Learner(accelerator, model, optimizer, ema, step)


def _uses_cuda_graph(accelerator: Accelerator) -> bool:
    """Return whether steps are captured as CUDA graphs: on a single GPU."""
    return accelerator.device.type == "cuda" and accelerator.num_processes == 1


def _make_optimizer(model: nn.Module, settings: TrainingSettings, accelerator: Accelerator) -> torch.optim.Optimizer:
    """Build the optimizer; for CUDA graphs, its learning rate is a tensor on the GPU, which can change between replays."""
    arguments: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if _uses_cuda_graph(accelerator):
        arguments["lr"] = torch.tensor(settings.learning_rate, device=accelerator.device)
        if settings.optimizer != "sgd":
            arguments["capturable"] = True
    return OPTIMIZERS[settings.optimizer](model.parameters(), **arguments)


def resolve_initial_weights(settings: TrainingSettings) -> str:
    """Return `settings.initial_weights`, or the path of the saved network if they name a run.

    Raises:
        FileNotFoundError: if they name an exported network without a model card.
        ValueError: if the exported network does not match its model card.
    """
    name = settings.initial_weights
    if name in ("none", *PRETRAINED):
        return name
    run, path = find_run(name, settings.runs_dir), Path(name)
    if run is None and path.suffix == ".onnx" and path.is_file():
        load_emotion_weights(path.parent, path.stem)  # checks the file against its model card
    return str(run.best) if run is not None else name


def initialize_batch_norm(learner: Learner, batches: Batches) -> None:
    """Set the batch-norm statistics of a network loaded without them to those of the first two batches."""
    images = torch.cat([pixels for pixels, _ in itertools.islice(batches.draw_epoch(0), 2)])
    model = learner.accelerator.unwrap_model(learner.model)
    estimate_batch_norm(model, images)
    if learner.ema is not None:  # still a copy of the model
        learner.ema.module.load_state_dict(model.state_dict())


def resume_learner(learner: Learner, run: Run) -> None:
    """Restore a training state from the run's checkpoint, or from the previous one if that is damaged.

    Raises:
        ValueError: if both are damaged, or belong to another architecture.
    """
    model = learner.accelerator.unwrap_model(learner.model)
    try:
        progress = load_checkpoint(run.checkpoint, model, learner.optimizer, learner.ema)
    except DamagedCheckpointError as error:
        if not run.previous.is_file():
            raise
        progress = load_checkpoint(run.previous, model, learner.optimizer, learner.ema)
        learner.accelerator.print(f"{printable(error)}; resuming from the previous checkpoint, {run.previous.name}")
    learner.next_epoch, learner.best = progress["next_epoch"], progress["best"]


def save_epoch(learner: Learner, run: Run, metrics: dict[str, Any], settings: TrainingSettings) -> None:
    """Save the epoch's metrics, the network if it is the best by `keep_by`, and a checkpoint if `checkpoint_s` have passed."""
    learner.next_epoch = metrics["epoch"] + 1
    learner.best = select_epoch([learner.best, metrics] if learner.best else [metrics], settings.keep_by)
    is_best = learner.best is metrics
    if not learner.accelerator.is_main_process:
        return
    progress = {"next_epoch": learner.next_epoch, "best": learner.best}
    if is_best:
        save_checkpoint(run.best, learner.network, None, None, progress)
    run.log_epoch(metrics)
    is_last = learner.next_epoch >= settings.num_epochs
    if is_last or time.monotonic() - learner.saved_s >= settings.checkpoint_s:
        model = learner.accelerator.unwrap_model(learner.model)
        save_checkpoint(run.checkpoint, model, learner.optimizer, learner.ema, progress, run.previous)
        learner.saved_s = time.monotonic()
