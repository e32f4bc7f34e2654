"""Training loop: data, epochs, checkpoints, and export of the finished run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import Split, load_split
from fer_lib.dataset.near_duplicates import remove_blank_and_leaked
from fer_lib.dataset.votes import blend_targets, read_votes
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import fit_offsets
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.batches import Batches, one_hot
from fer_lib.training.learning.checkpoint import load_checkpoint
from fer_lib.training.learning.distillation import adjust
from fer_lib.training.learning.epochs import predict, run_epoch
from fer_lib.training.learning.learner import Learner, build_learner, initialize_batch_norm, resume_learner, save_epoch
from fer_lib.training.learning.soft_targets import check_views, predict_views, read_soft_targets, write_soft_targets
from fer_lib.training.learning.time_limit import EpochTimer
from fer_lib.training.model import build_model
from fer_lib.training.runs.run import WEIGHT_FILES, Run, open_run

EpochListener = Callable[[dict[str, Any]], None]


def train(
    settings: TrainingSettings, sources: dict[str, str] | None = None, on_epoch: EpochListener | None = None
) -> Run:
    """Train a network, or resume an interrupted run with the same settings.

    Args:
        settings: all settings.
        sources: source of each setting; recorded in the run's folder.
        on_epoch: called with the metrics of every epoch, for example to update plots.

    Returns:
        The finished run, whose folder contains `emotion.onnx` and its model card.

    Raises:
        FileNotFoundError: if data, votes or initial weights are missing.
        ValueError: if a label folder is unknown or a checkpoint is damaged.
        FloatingPointError: if the loss is not finite; the last checkpoint is kept.
    """
    spec = crop_spec(settings)
    validation = load_split(settings.data_dir, "validation", spec, settings.max_images)
    train_split = load_training_split(settings, spec, validation)
    targets = make_targets(settings, train_split)
    offset_targets = blend_vote_targets(settings, validation, settings.label_offsets or 0.0, "LABEL_OFFSETS")
    learner = build_learner(settings, spec)
    run = open_shared_run(learner.accelerator, settings, sources)
    device = learner.accelerator.device
    batches = Batches(train_split.images, targets, spec, settings, device)
    validation_batches = Batches(validation.images, offset_targets, spec, settings, device)
    if settings.logit_adjustment:
        learner.step.adjustment = settings.logit_adjustment * batches.label_prior().log()
    prepare_soft_targets(learner, batches, train_split.names, run, settings)
    if run.checkpoint.is_file():
        resume_learner(learner, run)
    elif settings.initial_weights.endswith(WEIGHT_FILES):
        initialize_batch_norm(learner, batches)
    timer = EpochTimer([line for line in run.read_metrics() if line["epoch"] < learner.next_epoch])
    while learner.next_epoch < (planned := timer.plan(settings)).num_epochs:
        metrics = run_epoch(learner, batches, validation_batches, validation.targets, planned, learner.next_epoch)
        save_epoch(learner, run, timer.record_epoch(metrics), planned)
        if on_epoch is not None:
            on_epoch(metrics)
    if learner.accelerator.is_main_process and not run.is_finished:
        finish_run(run, settings, spec, validation_batches, validation.targets, len(train_split))
    return run


def prepare_soft_targets(
    learner: Learner, batches: Batches, names: tuple[str, ...], run: Run, settings: TrainingSettings
) -> None:
    """Set the batches' soft targets, if enabled, and unload the teachers.

    They are read from the file in `TEACHERS`, or predicted once for `TEACHER_VIEWS` views (averaged with such a file, if both are
    given) and stored in the run's folder.
    """
    teachers = learner.step.teachers if settings.teacher_views else None
    path = run.soft_targets if teachers else settings.teachers_file
    if path is None:
        return
    if teachers and not path.is_file() and learner.accelerator.is_main_process:
        stored = None
        if settings.teachers_file is not None:
            stored = read_soft_targets(settings.teachers_file, names)
            check_views(stored, settings, settings.teachers_file)
        write_soft_targets(path, predict_views(teachers, batches, names, settings, stored))
    learner.accelerator.wait_for_everyone()
    soft = read_soft_targets(path, names)
    check_views(soft, settings, path)
    learner.step.teachers = None
    probabilities, batches.soft_rows = soft.to_tensors(names, batches.images.device)
    batches.soft_targets = adjust(probabilities, learner.step.adjustment).half()


def open_shared_run(accelerator: Accelerator, settings: TrainingSettings, sources: dict[str, str] | None) -> Run:
    """Open the run in the main process and broadcast it to the others."""
    shared = [open_run(settings, sources) if accelerator.is_main_process else None]
    return cast(Run, broadcast_object_list(shared)[0])


def crop_spec(settings: TrainingSettings) -> CropSpec:
    """Return the crop specification of the network to be trained."""
    return CropSpec(
        size=settings.image_size,
        color=settings.color,
        scale=settings.crop_scale,
        shift_y=settings.crop_shift_y,
        detail=settings.crop_detail,
    )


def load_training_split(settings: TrainingSettings, spec: CropSpec, validation: Split) -> Split:
    """Load the training images without blank images and near duplicates of held-out images."""
    loaded = load_split(settings.data_dir, "train", spec, settings.max_images)
    held_out = [validation]
    if (settings.data_dir / "test").is_dir():
        held_out.append(load_split(settings.data_dir, "test", spec))
    return remove_blank_and_leaked(loaded, *held_out)


def make_targets(settings: TrainingSettings, split: Split) -> NDArray[np.float32]:
    """Return the training targets `(n, 7)` of `settings.label_source`.

    Raises:
        ValueError: if votes are needed and `ferplus_csv` is not set.
    """
    share = {"fer": 0.0, "blend": settings.vote_share, "ferplus": 1.0}[settings.label_source]
    return blend_vote_targets(settings, split, share, f"LABEL_SOURCE={settings.label_source}")


def blend_vote_targets(settings: TrainingSettings, split: Split, share: float, needed_by: str) -> NDArray[np.float32]:
    """Return targets `(n, 7)`: one-hot labels blended with the FER+ votes, weight `share` in [0, 1].

    Raises:
        ValueError: if `share` is positive and `ferplus_csv` is not set; the message names the setting `needed_by`.
    """
    targets = one_hot(split.targets)
    if not share:
        return targets
    if settings.ferplus_csv is None:
        raise ValueError(f"`FERPLUS_CSV` must be set with `{needed_by}`, but is empty; see data/README.md")
    return blend_targets(targets, split.names, read_votes(settings.ferplus_csv), share)


def finish_run(
    run: Run,
    settings: TrainingSettings,
    spec: CropSpec,
    validation: Batches,
    targets: NDArray[np.int64],
    trained_on: int,
) -> None:
    """Plot the curves of a run, add label offsets if enabled, and export the saved network with its model card."""
    from fer_lib.training.export.publish import add_label_offsets, export_run, save_curves

    save_curves(run)
    network = build_model(spec.channels, settings.dropout_rate, architecture=settings.architecture)
    progress = load_checkpoint(run.best, network)
    logits = predict(network.to(validation.images.device), validation)
    training = {**progress["best"], "trained_on": trained_on}
    if settings.label_offsets is not None:
        offsets = fit_offsets(logits, validation.targets.cpu().numpy())
        logits = add_label_offsets(network, offsets, logits)
        training["label_offsets"] = dict(zip(EMOTIONS, offsets.round(4).tolist(), strict=True))
    export_run(run, network.cpu(), spec, logits, targets, settings, training)
