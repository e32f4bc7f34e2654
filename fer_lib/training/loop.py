"""A network learns: epochs, checkpoints, and at the end the exported network with its card."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from fer_lib.crops import CropSpec
from fer_lib.metrics import score, softmax
from fer_lib.settings import TrainingSettings
from fer_lib.training.batch_norm import share_batch_norm
from fer_lib.training.batches import Batches, one_hot
from fer_lib.training.checkpoint import load_checkpoint, save_checkpoint
from fer_lib.training.data import Split, clean_training, load_split
from fer_lib.training.model import build_model
from fer_lib.training.run import Run, open_run
from fer_lib.training.schedule import image_size_at, learning_rate_at
from fer_lib.training.votes import blend_targets, read_votes

VOTE_SHARE = {"fer": 0.0, "blend": 0.5, "ferplus": 1.0}
EpochListener = Callable[[dict[str, Any]], None]


@dataclass
class Learner:
    """The network in training and what moves it."""

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    next_epoch: int = 0
    best: dict[str, Any] = field(default_factory=dict)

    @property
    def network(self) -> nn.Module:
        """The network to judge and to keep: the averaged one, where there is one."""
        return self.average.module if self.average is not None else self.accelerator.unwrap_model(self.model)


def train(
    settings: TrainingSettings, sources: dict[str, str] | None = None, on_epoch: EpochListener | None = None
) -> Run:
    """Train a network as the settings say, going on with an interrupted run where there is one.

    Args:
        settings: all knobs.
        sources: where each came from; kept in the run's folder.
        on_epoch: called with the metrics of every epoch, for curves that grow.

    Returns:
        The finished run: its folder holds `emotion.onnx` and its card.

    Raises:
        FileNotFoundError: if data, votes or initial weights are missing.
        ValueError: if a label folder is unknown or a checkpoint damaged.
        FloatingPointError: if the loss is no longer a number; the last checkpoint stays.
    """
    spec = crop_spec(settings)
    validation = load_split(settings.data_dir, "validation", spec, settings.max_images)
    train_split = prepare_training(settings, spec, validation)
    targets = make_targets(settings, train_split)
    learner = make_learner(settings, spec)
    run = open_shared_run(learner.accelerator, settings, sources)
    if run.checkpoint.is_file():
        resume(learner, run)
    device = learner.accelerator.device
    batches = Batches(train_split.images, targets, spec, settings, device)
    judged = Batches(validation.images, one_hot(validation.targets), spec, settings, device)
    for epoch in range(learner.next_epoch, settings.num_epochs):
        metrics = run_epoch(learner, batches, judged, validation.targets, settings, epoch)
        keep_epoch(learner, run, metrics)
        if on_epoch is not None:
            on_epoch(metrics)
        if settings.early_stopping and epoch - learner.best["epoch"] >= settings.early_stopping:
            break
    if learner.accelerator.is_main_process and not run.is_finished:
        finish_run(run, settings, spec, judged, validation.targets, len(train_split))
    return run


def open_shared_run(accelerator: Accelerator, settings: TrainingSettings, sources: dict[str, str] | None) -> Run:
    """Let the first process find or make the run's folder, and tell the others."""
    told = [open_run(settings, sources) if accelerator.is_main_process else None]
    return cast(Run, broadcast_object_list(told)[0])


def crop_spec(settings: TrainingSettings) -> CropSpec:
    """Return how the network to be trained sees a face."""
    return CropSpec(
        size=settings.image_size,
        color=settings.color,
        scale=settings.crop_scale,
        shift_y=settings.crop_shift_y,
        detail=settings.crop_detail,
    )


def prepare_training(settings: TrainingSettings, spec: CropSpec, validation: Split) -> Split:
    """Load the training images without blank ones and without copies of held-out images."""
    loaded = load_split(settings.data_dir, "train", spec, settings.max_images)
    held_out = [validation]
    if (settings.data_dir / "test").is_dir():
        held_out.append(load_split(settings.data_dir, "test", spec))
    return clean_training(loaded, *held_out)


def make_targets(settings: TrainingSettings, split: Split) -> NDArray[np.float32]:
    """Return the targets `(n, 7)` that `label_source` asks for.

    Raises:
        ValueError: if votes are asked for and `ferplus_csv` is not set.
    """
    targets = one_hot(split.targets)
    share = VOTE_SHARE[settings.label_source]
    if not share:
        return targets
    if settings.ferplus_csv is None:
        raise ValueError(
            f"`FERPLUS_CSV` must be set for `LABEL_SOURCE={settings.label_source}`, but is empty; see data/README.md"
        )
    return blend_targets(targets, split.names, read_votes(settings.ferplus_csv), share)


def make_learner(settings: TrainingSettings, spec: CropSpec) -> Learner:
    """Build network, optimizer and average on the device that the settings ask for."""
    torch.manual_seed(settings.seed)
    accelerator = Accelerator(cpu=settings.device == "cpu")
    model = build_model(spec.channels, settings.dropout_rate, settings.initial_weights, settings.stochastic_depth)
    if accelerator.num_processes > 1:
        model = share_batch_norm(model, accelerator.device)
    make = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": _nesterov}[settings.optimizer]
    optimizer = make(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    model, optimizer = accelerator.prepare(model, optimizer)
    average = None
    if settings.ema_decay:
        plain = accelerator.unwrap_model(model)
        average = AveragedModel(plain, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay), use_buffers=True)
    return Learner(accelerator, model, optimizer, average)


def resume(learner: Learner, run: Run) -> None:
    """Bring a learner to where the run's checkpoint stands."""
    plain = learner.accelerator.unwrap_model(learner.model)
    progress = load_checkpoint(run.checkpoint, plain, learner.optimizer, learner.average)
    learner.next_epoch, learner.best = progress["next_epoch"], progress["best"]


def run_epoch(
    learner: Learner,
    batches: Batches,
    judged: Batches,
    targets: NDArray[np.int64],
    settings: TrainingSettings,
    epoch: int,
) -> dict[str, Any]:
    """Train for one epoch, judge the network on the validation split, and return the epoch's metrics."""
    start = time.perf_counter()
    loss = train_one_epoch(learner, batches, settings, epoch)
    seconds = time.perf_counter() - start
    scored = score(softmax(predict(learner.network, judged)), targets)
    kept = ("accuracy", "macro_f1", "balanced_accuracy", "nll")
    return {
        "epoch": epoch,
        "loss": loss,
        **{f"validation_{name}": scored[name] for name in kept},
        "learning_rate": learning_rate_at(settings, epoch),
        "images_per_s": len(batches) * settings.batch_size / seconds,
        "seconds": seconds,
    }


def train_one_epoch(learner: Learner, batches: Batches, settings: TrainingSettings, epoch: int) -> float:
    """Show the network every batch of an epoch once and return the mean loss.

    Raises:
        FloatingPointError: if a loss is not a number.
    """
    torch.manual_seed(settings.seed * 100_003 + epoch)  # dropout
    learner.model.train()
    accelerator = learner.accelerator
    drawn = batches.draw_epoch(
        epoch, image_size_at(settings, epoch), accelerator.process_index, accelerator.num_processes
    )
    bar = tqdm(
        drawn,
        total=len(batches),
        desc=f"epoch {epoch + 1}/{settings.num_epochs}",
        unit="batch",
        leave=False,
        disable=not accelerator.is_main_process,
        mininterval=1,
    )
    total = 0.0
    for step, (images, targets) in enumerate(bar):
        for group in learner.optimizer.param_groups:
            group["lr"] = learning_rate_at(settings, epoch + step / len(batches))
        logits = learner.model(images)
        loss = nn.functional.cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(
                f"the loss of epoch {epoch + 1}, batch {step + 1} is {value}; the last checkpoint is whole: "
                f"try a LEARNING_RATE below {settings.learning_rate}"
            )
        accelerator.backward(loss)
        learner.optimizer.step()
        learner.optimizer.zero_grad(set_to_none=True)
        if learner.average is not None:
            learner.average.update_parameters(accelerator.unwrap_model(learner.model))
        total += value
        bar.set_postfix(loss=f"{total / (step + 1):.3f}", refresh=False)
    return float(accelerator.reduce(torch.tensor(total / len(batches), device=accelerator.device), "mean"))


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches) -> NDArray[np.float32]:
    """Return the logits `(n, 7)` of every image, in order."""
    network.eval()
    return np.concatenate([network(images).float().cpu().numpy() for images, _ in batches.walk()])


def keep_epoch(learner: Learner, run: Run, metrics: dict[str, Any]) -> None:
    """Save metrics and checkpoint, and the network if it is the best so far."""
    learner.next_epoch = metrics["epoch"] + 1
    is_best = metrics["validation_accuracy"] > learner.best.get("validation_accuracy", -1.0)
    if is_best:
        learner.best = metrics
    if not learner.accelerator.is_main_process:
        return
    progress = {"next_epoch": learner.next_epoch, "best": learner.best}
    if is_best:
        save_checkpoint(run.best, learner.network, None, None, progress)
    save_checkpoint(
        run.checkpoint, learner.accelerator.unwrap_model(learner.model), learner.optimizer, learner.average, progress
    )
    run.log_epoch(metrics)


def finish_run(
    run: Run, settings: TrainingSettings, spec: CropSpec, judged: Batches, targets: NDArray[np.int64], trained_on: int
) -> None:
    """Export the best network of a run and write its card."""
    from fer_lib.training.publish import publish_network

    network = build_model(spec.channels, settings.dropout_rate)
    progress = load_checkpoint(run.best, network)
    logits = predict(network.to(judged.images.device), judged)
    publish_network(run, network.cpu(), spec, logits, targets, settings, {**progress["best"], "trained_on": trained_on})


def _nesterov(parameters: Any, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)
