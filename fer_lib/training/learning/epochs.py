"""Run one epoch: training on every batch, then validation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm.auto import tqdm

from fer_lib.metrics import compute_metrics, softmax
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.batches import Batches
from fer_lib.training.learning.learner import Learner
from fer_lib.training.learning.schedule import learning_rate_at

LOSS_CHECK_STEPS = 20  # steps between two checks of the loss on a GPU; each one synchronises


def run_epoch(
    learner: Learner,
    batches: Batches,
    validation: Batches,
    targets: NDArray[np.int64],
    settings: TrainingSettings,
    epoch: int,
) -> dict[str, Any]:
    """Train for one epoch, evaluate on the validation split, and return the epoch's metrics.

    Args:
        learner: state of the training.
        batches: training batches.
        validation: validation images.
        targets: validation targets, `(n,)`.
        settings: schedule, batch size.
        epoch: epoch from 0.

    Raises:
        FloatingPointError: if the loss or a validation logit is not finite.
    """
    start = time.perf_counter()
    loss = train_one_epoch(learner, batches, settings, epoch)
    seconds = time.perf_counter() - start
    logits = predict(learner.network, validation)
    if not np.isfinite(logits).all():
        raise FloatingPointError(
            divergence_message(f"the validation logits of epoch {epoch + 1} are not finite", settings)
        )
    return {
        "epoch": epoch,
        "loss": loss,
        **score_validation(logits, targets),
        "learning_rate": learning_rate_at(settings, epoch),
        "images_per_s": len(batches) * settings.batch_size / seconds,
        "seconds": seconds,
    }


def score_validation(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, float]:
    """Compute validation metrics of logits `(n, 7)` and targets `(n,)`, with the names in an epoch's metrics (`run.SCORES`)."""
    scored = compute_metrics(softmax(logits), targets)
    criterion = ("accuracy", "macro_f1", "balanced_accuracy")
    named = {f"validation_{name}": scored[name] for name in (*criterion, "nll")}
    recalls = [label["recall"] for label in scored["per_label"].values() if label["images"]]
    return named | {
        "validation_mean": float(np.mean([scored[name] for name in criterion])),
        "validation_lowest_recall": min(recalls),
    }


def train_one_epoch(learner: Learner, batches: Batches, settings: TrainingSettings, epoch: int) -> float:
    """Train on every batch of an epoch and return the mean loss.

    Raises:
        FloatingPointError: if a loss is not finite.
    """
    torch.manual_seed(settings.seed * 100_003 + epoch)  # dropout
    learner.model.train()
    accelerator = learner.accelerator
    epoch_batches = batches.draw_epoch(epoch, accelerator.process_index, accelerator.num_processes)
    bar = tqdm(
        epoch_batches,
        total=len(batches),
        desc=f"epoch {epoch + 1}/{settings.num_epochs}",
        unit="batch",
        leave=False,
        disable=not accelerator.is_main_process,
        mininterval=1,
    )
    check_steps = 1 if accelerator.device.type == "cpu" else LOSS_CHECK_STEPS
    total = torch.zeros((), device=accelerator.device)
    for step, (images, targets) in enumerate(bar, 1):
        learner.set_learning_rate(learning_rate_at(settings, epoch + (step - 1) / len(batches)))
        total += learner.step(images, targets)
        if step % check_steps == 0 or step == len(batches):
            value = float(total)
            if not np.isfinite(value):
                raise FloatingPointError(
                    divergence_message(f"the loss of epoch {epoch + 1}, batch {step} is {value}", settings)
                )
            bar.set_postfix(loss=f"{value / step:.3f}", refresh=False)
    return float(accelerator.reduce(total / len(batches), "mean"))


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches) -> NDArray[np.float32]:
    """Compute the logits `(n, 7)` of every image, in order, in evaluation mode."""
    network.eval()
    return np.concatenate([network(images).float().cpu().numpy() for images, _ in batches.iterate()])


def divergence_message(what: str, settings: TrainingSettings) -> str:
    """Return the error message of a diverged training, with remedies."""
    return (
        f"{what}; the last checkpoint is intact; try a `LEARNING_RATE` below {settings.learning_rate}, or `CLIP_NORM=1`"
    )
