"""Train only the classifier, on features of a frozen backbone (minutes on two cores).

The backbone's 1280 features of every training image (plain, mirrored, and in augmented views) are computed once and cached;
then classifiers 1280→512→7 are trained on them with several seeds, and the best on the validation split is kept (Kang et al.,
*Decoupling representation and classifier*, 2020). Stored soft targets, averaged over their views, are blended into the targets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import EfficientNet

from fer_lib.dataset.image_folders import load_split
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.backbone_features import compute_features
from fer_lib.training.learning.batches import Batches, one_hot
from fer_lib.training.learning.checkpoint import save_checkpoint
from fer_lib.training.learning.distillation import blend_predictions
from fer_lib.training.learning.epochs import score_validation
from fer_lib.training.learning.learner import resolve_initial_weights
from fer_lib.training.learning.loop import EpochListener, crop_spec, finish_run, load_training_split, make_targets
from fer_lib.training.learning.schedule import learning_rate_at
from fer_lib.training.learning.soft_targets import read_soft_targets
from fer_lib.training.model import PRETRAINED, build_model
from fer_lib.training.runs.run import Run, find_run, open_run, select_epoch


def train_head(
    settings: TrainingSettings, sources: dict[str, str] | None = None, on_epoch: EpochListener | None = None
) -> Run:
    """Train classifiers on frozen features with `settings.head_seeds` seeds, and export the network with the best of them.

    Args:
        settings: `initial_weights` is the network whose backbone is used, `num_epochs` the epochs of each classifier.
        sources: source of each setting; recorded in the run's folder.
        on_epoch: called with the metrics of each trained classifier; `epoch` is the index of its seed.

    Returns:
        The finished run.

    Raises:
        FileNotFoundError: if data, votes or initial weights are missing.
        ValueError: if the architecture is not `b0`, or the initial weights are not those of an emotion network.
    """
    if settings.architecture != "b0" or settings.initial_weights in ("none", *PRETRAINED):
        raise ValueError(
            "with `FROZEN_BACKBONE`, `ARCHITECTURE` must be b0 and `INITIAL_WEIGHTS` a run or an exported network,"
            f" but got {settings.architecture} and {settings.initial_weights}"
        )
    spec = crop_spec(settings)
    validation = load_split(settings.data_dir, "validation", spec, settings.max_images)
    train_split = load_training_split(settings, spec, validation)
    targets = make_targets(settings, train_split)
    run = open_run(settings, sources)
    network = build_model(spec.channels, settings.dropout_rate, resolve_initial_weights(settings), architecture="b0")
    start = None if settings.head_reset else deepcopy(cast(EfficientNet, network).classifier.state_dict())
    batches = Batches(train_split.images, targets, spec, settings, _device(settings))
    validation_batches = Batches(validation.images, one_hot(validation.targets), spec, settings, _device(settings))
    features = compute_features(network, batches, train_split, settings, settings.head_views)
    validation_features = compute_features(network, validation_batches, validation, settings, views=0)[0]
    adjustment = settings.logit_adjustment * batches.label_prior().log()
    batches.targets = blend_soft_targets(batches.targets, train_split.names, adjustment, settings)
    lines: list[dict[str, Any]] = []
    for seed in range(settings.head_seeds):
        start_s = time.perf_counter()
        head, loss = fit_head(features, batches.targets, adjustment, settings, settings.seed + seed, start)
        seconds = time.perf_counter() - start_s
        lines.append(
            {
                "epoch": seed,
                "loss": loss,
                **evaluate_head(head, validation_features, validation.targets),
                "learning_rate": settings.learning_rate,
                "images_per_s": len(train_split) * settings.num_epochs / seconds,
                "seconds": seconds,
            }
        )
        run.log_epoch(lines[-1])
        if select_epoch(lines, settings.keep_by) is lines[-1]:
            network.classifier = head.cpu()
            save_checkpoint(run.best, network, None, None, {"next_epoch": seed + 1, "best": lines[-1]})
        if on_epoch is not None:
            on_epoch(lines[-1])
    finish_run(run, settings, spec, validation_batches, validation.targets, len(train_split))
    return run


def blend_soft_targets(
    targets: Tensor, names: tuple[str, ...], adjustment: Tensor, settings: TrainingSettings
) -> Tensor:
    """Blend targets `(n, 7)` with the stored soft targets of `settings.teachers`, averaged over their views.

    `teachers` is their file, or the run that computed them (with `TEACHER_VIEWS`).

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is damaged or training images are missing in it.
    """
    path = settings.teachers_file
    for name in settings.teacher_networks:
        run = find_run(name, settings.runs_dir)
        if path is not None or run is None or not run.soft_targets.is_file():
            raise FileNotFoundError(
                "with `FROZEN_BACKBONE`, `TEACHERS` must be one file of stored predictions or one run that has such a file,"
                f" but got {settings.teachers}"
            )
        path = run.soft_targets
    if path is None:
        return targets
    probabilities, rows = read_soft_targets(path, names).to_tensors(names, targets.device)
    return blend_predictions(targets, probabilities[:, rows].mean(dim=0), adjustment, settings.teacher_share)


def fit_head(
    features: Tensor,
    targets: Tensor,
    adjustment: Tensor,
    settings: TrainingSettings,
    seed: int,
    start: Mapping[str, Tensor] | None = None,
) -> tuple[nn.Sequential, float]:
    """Train one classifier; each epoch uses one randomly drawn view of every image.

    Args:
        features: `(views, n, 1280)`.
        targets: `(n, 7)`, rows sum to 1, on the device to train on.
        adjustment: `(7,)`, added to the logits in the loss.
        settings: epochs, learning rate, weight decay, dropout.
        seed: seed of all random numbers.
        start: initial parameters; `None`: random.

    Returns:
        The classifier and the mean loss of the last epoch.
    """
    device = targets.device
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    head = cast(nn.Sequential, cast(EfficientNet, build_model(dropout_rate=settings.dropout_rate)).classifier)
    if start is not None:
        head.load_state_dict(start)
    head.to(device)
    optimizer = torch.optim.AdamW(head.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    loss_sum, batches = torch.zeros((), device=device), 1
    for epoch in range(settings.num_epochs):
        loss_sum.zero_()
        order = torch.randperm(features.shape[1], generator=generator)
        view = torch.randint(len(features), order.shape, generator=generator)
        parts = list(zip(order.split(settings.batch_size), view.split(settings.batch_size), strict=True))
        batches = len(parts)
        for step, (rows, drawn) in enumerate(parts):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(settings, epoch + step / batches)
            logits = head(features[drawn, rows].to(device).float()) + adjustment
            loss = nn.functional.cross_entropy(logits, targets[rows.to(device)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
    return head.eval(), float(loss_sum) / batches


@torch.inference_mode()
def evaluate_head(head: nn.Module, features: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
    """Return the validation metrics of a classifier on features `(n, 1280)`, with the names of an epoch's metrics."""
    device = next(head.parameters()).device
    return score_validation(head(features.to(device).float()).cpu().numpy(), targets)


def _device(settings: TrainingSettings) -> torch.device:
    cpu = torch.device("cpu")
    if settings.device == "cpu" or not torch.accelerator.is_available():
        return cpu
    return torch.accelerator.current_accelerator() or cpu
