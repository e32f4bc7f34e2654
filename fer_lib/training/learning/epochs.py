"""One epoch: the network sees every batch once and is judged on the validation split."""

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

WATCH = 20  # steps between two looks at the loss on a graphics card, which has to stop for each


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
    logits = predict(learner.network, judged)
    if not np.isfinite(logits).all():
        raise FloatingPointError(diverged(f"the network after epoch {epoch + 1} answers with no numbers", settings))
    return {
        "epoch": epoch,
        "loss": loss,
        **judge_logits(logits, targets),
        "learning_rate": learning_rate_at(settings, epoch),
        "images_per_s": len(batches) * settings.batch_size / seconds,
        "seconds": seconds,
    }


def judge_logits(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, float]:
    """Return the validation metrics of logits `(n, 7)` as they stand in the metrics of an epoch; see `run.SCORES`."""
    scored = compute_metrics(softmax(logits), targets)
    criterion = ("accuracy", "macro_f1", "balanced_accuracy")
    named = {f"validation_{name}": scored[name] for name in (*criterion, "nll")}
    recalls = [label["recall"] for label in scored["per_label"].values() if label["images"]]
    return named | {
        "validation_mean": float(np.mean([scored[name] for name in criterion])),
        "validation_lowest_recall": min(recalls),
    }


def train_one_epoch(learner: Learner, batches: Batches, settings: TrainingSettings, epoch: int) -> float:
    """Show the network every batch of an epoch once and return the mean loss.

    Raises:
        FloatingPointError: if a loss is not a number.
    """
    torch.manual_seed(settings.seed * 100_003 + epoch)  # dropout
    learner.model.train()
    accelerator = learner.accelerator
    drawn = batches.draw_epoch(epoch, accelerator.process_index, accelerator.num_processes)
    bar = tqdm(
        drawn,
        total=len(batches),
        desc=f"epoch {epoch + 1}/{settings.num_epochs}",
        unit="batch",
        leave=False,
        disable=not accelerator.is_main_process,
        mininterval=1,
    )
    watch = 1 if accelerator.device.type == "cpu" else WATCH
    total = torch.zeros((), device=accelerator.device)
    for step, (images, targets) in enumerate(bar, 1):
        learner.set_learning_rate(learning_rate_at(settings, epoch + (step - 1) / len(batches)))
        total += learner.step(images, targets)
        if step % watch == 0 or step == len(batches):
            value = float(total)
            if not np.isfinite(value):
                raise FloatingPointError(diverged(f"the loss of epoch {epoch + 1}, batch {step} is {value}", settings))
            bar.set_postfix(loss=f"{value / step:.3f}", refresh=False)
    return float(accelerator.reduce(total / len(batches), "mean"))


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches) -> NDArray[np.float32]:
    """Return the logits `(n, 7)` of every image, in order."""
    network.eval()
    return np.concatenate([network(images).float().cpu().numpy() for images, _ in batches.walk()])


def diverged(what: str, settings: TrainingSettings) -> str:
    """Say that a training has run away, and what helps."""
    return f"{what}; the last checkpoint is whole: try a LEARNING_RATE below {settings.learning_rate}, or CLIP_NORM=1"
