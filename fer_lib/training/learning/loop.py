"""The training loop: epochs, checkpoints, and at the end the exported network with its card."""

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
from fer_lib.training.learning.learner import Learner, build_learner, initialize_batch_norm, keep_epoch, resume_learner
from fer_lib.training.learning.soft_targets import check_views, predict_views, read_soft_targets, write_soft_targets
from fer_lib.training.learning.time_limit import EpochTimer
from fer_lib.training.model import build_model
from fer_lib.training.runs.run import WEIGHT_FILES, Run, open_run

EpochListener = Callable[[dict[str, Any]], None]


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
    train_split = load_training_split(settings, spec, validation)
    targets = make_targets(settings, train_split)
    wanted = blend_vote_targets(settings, validation, settings.label_offsets or 0.0, "LABEL_OFFSETS")
    learner = build_learner(settings, spec)
    run = open_shared_run(learner.accelerator, settings, sources)
    device = learner.accelerator.device
    batches = Batches(train_split.images, targets, spec, settings, device)
    judged = Batches(validation.images, wanted, spec, settings, device)
    if settings.logit_adjustment:
        learner.step.adjustment = settings.logit_adjustment * batches.label_prior().log()
    prepare_soft_targets(learner, batches, train_split.names, run, settings)
    if run.checkpoint.is_file():
        resume_learner(learner, run)
    elif settings.initial_weights.endswith(WEIGHT_FILES):
        initialize_batch_norm(learner, batches)
    timer = EpochTimer([line for line in run.read_metrics() if line["epoch"] < learner.next_epoch])
    while learner.next_epoch < (planned := timer.plan(settings)).num_epochs:
        metrics = run_epoch(learner, batches, judged, validation.targets, planned, learner.next_epoch)
        keep_epoch(learner, run, timer.stamp(metrics), planned)
        if on_epoch is not None:
            on_epoch(metrics)
    if learner.accelerator.is_main_process and not run.is_finished:
        finish_run(run, settings, spec, judged, validation.targets, len(train_split))
    return run


def prepare_soft_targets(
    learner: Learner, batches: Batches, names: tuple[str, ...], run: Run, settings: TrainingSettings
) -> None:
    """Give the batches the stored predictions that `settings` ask for, and free the teachers.

    They are read from the file that `TEACHERS` names, or computed once for `TEACHER_VIEWS` views, together with such a file if there is
    one, and kept in the run's folder.
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


def load_training_split(settings: TrainingSettings, spec: CropSpec, validation: Split) -> Split:
    """Load the training images without blank ones and without copies of held-out images."""
    loaded = load_split(settings.data_dir, "train", spec, settings.max_images)
    held_out = [validation]
    if (settings.data_dir / "test").is_dir():
        held_out.append(load_split(settings.data_dir, "test", spec))
    return remove_blank_and_leaked(loaded, *held_out)


def make_targets(settings: TrainingSettings, split: Split) -> NDArray[np.float32]:
    """Return the targets `(n, 7)` that `label_source` asks for.

    Raises:
        ValueError: if votes are asked for and `ferplus_csv` is not set.
    """
    share = {"fer": 0.0, "blend": settings.vote_share, "ferplus": 1.0}[settings.label_source]
    return blend_vote_targets(settings, split, share, f"LABEL_SOURCE={settings.label_source}")


def blend_vote_targets(settings: TrainingSettings, split: Split, share: float, asked_by: str) -> NDArray[np.float32]:
    """Return targets `(n, 7)`: the labels, moved towards the votes by `share`.

    Raises:
        ValueError: if votes are asked for and `ferplus_csv` is not set.
    """
    targets = one_hot(split.targets)
    if not share:
        return targets
    if settings.ferplus_csv is None:
        raise ValueError(f"`FERPLUS_CSV` must be set for `{asked_by}`, but is empty; see data/README.md")
    return blend_targets(targets, split.names, read_votes(settings.ferplus_csv), share)


def finish_run(
    run: Run, settings: TrainingSettings, spec: CropSpec, judged: Batches, targets: NDArray[np.int64], trained_on: int
) -> None:
    """Draw the curves of a run, export the network it kept, with offsets if the settings ask, and write its card."""
    from fer_lib.training.export.publish import add_label_offsets, export_run, save_curves

    save_curves(run)
    network = build_model(spec.channels, settings.dropout_rate, architecture=settings.architecture)
    progress = load_checkpoint(run.best, network)
    logits = predict(network.to(judged.images.device), judged)
    training = {**progress["best"], "trained_on": trained_on}
    if settings.label_offsets is not None:
        offsets = fit_offsets(logits, judged.targets.cpu().numpy())
        logits = add_label_offsets(network, offsets, logits)
        training["label_offsets"] = dict(zip(EMOTIONS, offsets.round(4).tolist(), strict=True))
    export_run(run, network.cpu(), spec, logits, targets, settings, training)
