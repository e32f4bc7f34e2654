"""One epoch: the network sees every batch once and is judged on the validation split."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm.auto import tqdm

from fer_lib.metrics import score, softmax
from fer_lib.settings import TrainingSettings
from fer_lib.training.batches import Batches
from fer_lib.training.freezing import hold_stages
from fer_lib.training.learner import Learner
from fer_lib.training.schedule import image_size_at, learning_rate_at


def run_epoch(
    learner: Learner,
    batches: Batches,
    judged: Batches,
    targets: NDArray[np.int64],
    settings: TrainingSettings,
    epoch: int,
) -> dict[str, Any]:
    """Train for one epoch, judge the network on the validation split, and return the epoch's metrics.

    Raises:
        FloatingPointError: if the loss or an answer is not a number.
    """
    start = time.perf_counter()
    loss = train_one_epoch(learner, batches, settings, epoch)
    seconds = time.perf_counter() - start
    size = image_size_at(settings, epoch)
    logits = predict(learner.network, judged, size)
    if not np.isfinite(logits).all():
        raise FloatingPointError(diverged(f"the network after epoch {epoch + 1} answers with no numbers", settings))
    scored = score(softmax(logits), targets)
    kept = ("accuracy", "macro_f1", "balanced_accuracy", "nll")
    return {
        "epoch": epoch,
        "loss": loss,
        **{f"validation_{name}": scored[name] for name in kept},
        "learning_rate": learning_rate_at(settings, epoch),
        "image_size": size,
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
    hold_stages(accelerator.unwrap_model(learner.model), settings.frozen_stages)
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
        with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            if learner.teachers is not None:
                batch = (batches.drawn_as(epoch), images.shape[-1], step) if settings.repeat_after else None
                targets = learner.teachers.blend(images, targets, batch)
            logits = learner.model(images).float()
        loss = nn.functional.cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(diverged(f"the loss of epoch {epoch + 1}, batch {step + 1} is {value}", settings))
        accelerator.backward(loss)
        if settings.clip_norm:
            accelerator.clip_grad_norm_(learner.model.parameters(), settings.clip_norm)
        learner.optimizer.step()
        learner.optimizer.zero_grad(set_to_none=True)
        if learner.average is not None:
            learner.average.update_parameters(accelerator.unwrap_model(learner.model))
        total += value
        bar.set_postfix(loss=f"{total / (step + 1):.3f}", refresh=False)
    return float(accelerator.reduce(torch.tensor(total / len(batches), device=accelerator.device), "mean"))


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches, size: int | None = None) -> NDArray[np.float32]:
    """Return the logits `(n, 7)` of every image, in order, `size` pixels a side; `None`: as it will be used."""
    network.eval()
    return np.concatenate([network(images).float().cpu().numpy() for images, _ in batches.walk(size)])


def diverged(what: str, settings: TrainingSettings) -> str:
    """Say that a training has run away, and what helps."""
    return f"{what}; the last checkpoint is whole: try a LEARNING_RATE below {settings.learning_rate}, or CLIP_NORM=1"
