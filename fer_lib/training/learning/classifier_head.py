"""Train only the classifier, on features of a frozen backbone: minutes on two cores.

The backbone's 1280 features of every training image (as it is, mirrored, and in some augmented views) are computed once and
cached; then classifiers 1280→512→7 are trained on them with several seeds, and the best on the validation split is kept
(Kang et al., *Decoupling representation and classifier*, 2020). Stored soft targets become a part of the targets, as the mean
over their views.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import EfficientNet
from tqdm.auto import tqdm

from fer_lib.atomic_write import atomic_write
from fer_lib.dataset.image_folders import Split, load_split
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.batches import Batches, one_hot
from fer_lib.training.learning.checkpoint import save_checkpoint
from fer_lib.training.learning.distillation import blend_predictions
from fer_lib.training.learning.epochs import judge_logits
from fer_lib.training.learning.learner import locate_initial
from fer_lib.training.learning.loop import EpochListener, crop_spec, finish_run, make_targets, prepare_training
from fer_lib.training.learning.schedule import learning_rate_at
from fer_lib.training.learning.soft_targets import read_soft_targets
from fer_lib.training.model import PRETRAINED, build_model
from fer_lib.training.networks.batch_norm_folding import fold_batch_norm
from fer_lib.training.runs.run import Run, find_run, kept_epoch, open_run


def train_head(
    settings: TrainingSettings, sources: dict[str, str] | None = None, on_epoch: EpochListener | None = None
) -> Run:
    """Train heads on frozen features with `settings.head_seeds` seeds, and export the network with the best of them.

    Args:
        settings: `initial_weights` names the network whose backbone is used, `num_epochs` the epochs of each head.
        sources: where each setting came from; kept in the run's folder.
        on_epoch: called with the metrics of each finished head; `epoch` counts the seeds.

    Returns:
        The finished run.

    Raises:
        FileNotFoundError: if data, votes or initial weights are missing.
        ValueError: if the network is not of the architecture `b0`, or has learned nothing.
    """
    if settings.architecture != "b0" or settings.initial_weights in ("none", *PRETRAINED):
        raise ValueError(
            "`FROZEN_BACKBONE` needs a network that was trained on faces: `ARCHITECTURE` must be b0, and `INITIAL_WEIGHTS` a run"
            f" or an exported network, but got {settings.architecture} and {settings.initial_weights}"
        )
    spec = crop_spec(settings)
    validation = load_split(settings.data_dir, "validation", spec, settings.max_images)
    train_split = prepare_training(settings, spec, validation)
    targets = make_targets(settings, train_split)
    run = open_run(settings, sources)
    network = build_model(spec.channels, settings.dropout_rate, locate_initial(settings), architecture="b0")
    start = None if settings.head_reset else deepcopy(cast(EfficientNet, network).classifier.state_dict())
    batches = Batches(train_split.images, targets, spec, settings, _device(settings))
    judged = Batches(validation.images, one_hot(validation.targets), spec, settings, _device(settings))
    features = compute_features(network, batches, train_split, settings, settings.head_views)
    shown = compute_features(network, judged, validation, settings, views=0)[0]
    adjustment = settings.logit_adjustment * batches.drawn_shares().log()
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
                **judge_head(head, shown, validation.targets),
                "learning_rate": settings.learning_rate,
                "images_per_s": len(train_split) * settings.num_epochs / seconds,
                "seconds": seconds,
            }
        )
        run.log_epoch(lines[-1])
        if kept_epoch(lines, settings.keep_by) is lines[-1]:
            network.classifier = head.cpu()
            save_checkpoint(run.best, network, None, None, {"next_epoch": seed + 1, "best": lines[-1]})
        if on_epoch is not None:
            on_epoch(lines[-1])
    finish_run(run, settings, spec, judged, validation.targets, len(train_split))
    return run


def blend_soft_targets(
    targets: Tensor, names: tuple[str, ...], adjustment: Tensor, settings: TrainingSettings
) -> Tensor:
    """Blend targets `(n, 7)` with the mean over the views of the stored soft targets that `TEACHERS` names.

    It names their file, or the run that computed them (with `TEACHER_VIEWS`).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or lacks images.
    """
    path = settings.teachers_file
    for name in settings.teacher_networks:
        run = find_run(name, settings.runs_dir)
        if path is not None or run is None or not run.soft_targets.is_file():
            raise FileNotFoundError(
                f"with `FROZEN_BACKBONE`, `TEACHERS` must be one file of stored predictions or one run that kept some, but got {settings.teachers}"
            )
        path = run.soft_targets
    if path is None:
        return targets
    probabilities, rows = read_soft_targets(path, names).to_tensors(names, targets.device)
    return blend_predictions(targets, probabilities[:, rows].mean(dim=0), adjustment, settings.teacher_share)


def compute_features(
    network: nn.Module, batches: Batches, split: Split, settings: TrainingSettings, views: int
) -> Tensor:
    """Compute the features that a network's classifier gets, of plain, mirrored and augmented images, or read them from the cache.

    Args:
        network: an EfficientNet-B0; its parameters are used as in evaluation.
        batches: the images.
        split: where these come from, for the name of the cache.
        settings: size, seed and strength of the views.
        views: augmented views beside the plain and the mirrored one; 0: only the plain one.

    Returns:
        `(1, n, 1280)` or `(2 + views, n, 1280)` float16, on the CPU.
    """
    key = _digest(network, batches, settings)
    folder = settings.data_dir.absolute().parent / "cache"
    kinds = ["plain", "mirrored", *(f"view-{view}" for view in range(views))] if views else ["plain"]
    backbone: nn.Module | None = None
    found = []
    for kind in tqdm(kinds, desc=f"features {split.name}", unit="view", leave=False, delay=0.5):
        path = folder / f"features-{split.name}-{kind}-{key}.npy"
        if not path.is_file():
            backbone = backbone or _take_backbone(network, batches.images.device)
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as half, half.open("wb") as stream:
                np.save(stream, _run_backbone(backbone, _images(batches, kind)))
        found.append(torch.from_numpy(np.load(path, allow_pickle=False)))
    return torch.stack(found)


def fit_head(
    features: Tensor,
    targets: Tensor,
    adjustment: Tensor,
    settings: TrainingSettings,
    seed: int,
    start: Mapping[str, Tensor] | None = None,
) -> tuple[nn.Sequential, float]:
    """Train one classifier; each epoch sees one view of every image, drawn at random.

    Args:
        features: `(views, n, 1280)`.
        targets: `(n, 7)`, rows sum to 1, on the device to train on.
        adjustment: `(7,)`, added to the logits in the loss.
        settings: epochs, learning rate, weight decay, dropout.
        seed: of everything random.
        start: the parameters to start from; `None`: random ones.

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
            wanted = targets[rows.to(device)]
            loss = nn.functional.cross_entropy(logits, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
    return head.eval(), float(loss_sum) / batches


@torch.inference_mode()
def judge_head(head: nn.Module, features: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
    """Return the validation metrics of a head on features `(n, 1280)`, named as those of an epoch."""
    device = next(head.parameters()).device
    return judge_logits(head(features.to(device).float()).cpu().numpy(), targets)


def _device(settings: TrainingSettings) -> torch.device:
    cpu = torch.device("cpu")
    if settings.device == "cpu" or not torch.accelerator.is_available():
        return cpu
    return torch.accelerator.current_accelerator() or cpu


def _images(batches: Batches, kind: str) -> Iterable[Tensor]:
    if kind.startswith("view-"):
        return batches.draw_view(int(kind.removeprefix("view-")))
    mirrored = kind == "mirrored"
    return (images.flip(-1) if mirrored else images for images, _ in batches.walk())


def _take_backbone(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the layers before the classifier, with batch normalizations folded, on the device."""
    copied = cast(EfficientNet, fold_batch_norm(deepcopy(network).requires_grad_(False).eval()))
    backbone = nn.Sequential(copied.features, copied.avgpool, nn.Flatten())
    return backbone.to(device).to(memory_format=torch.channels_last)


@torch.inference_mode()
def _run_backbone(backbone: nn.Module, images: Iterable[Tensor]) -> NDArray[np.float16]:
    return torch.cat([backbone(batch).half().cpu() for batch in images]).numpy()


def _digest(network: nn.Module, batches: Batches, settings: TrainingSettings) -> str:
    """Return what the features depend on, shortened: weights, images, size, seed and strength of the views."""
    digest = hashlib.sha256(f"{settings.image_size} {settings.seed} {settings.augmentation}".encode())
    for part in _parts(network, batches):
        digest.update(part.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _parts(network: nn.Module, batches: Batches) -> Iterator[Tensor]:
    yield batches.images
    for name, value in network.state_dict().items():
        if not name.startswith("classifier"):
            yield value.reshape(-1)
