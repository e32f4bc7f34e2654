"""Launch a training in one or several data-parallel processes."""

from __future__ import annotations

import os
import socket
from typing import Any

import torch
from accelerate import notebook_launcher

from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.classifier_head import train_head
from fer_lib.training.learning.loop import EpochListener, train
from fer_lib.training.runs.run import Run, open_run


def launch(
    settings: TrainingSettings, sources: dict[str, str] | None = None, on_epoch: EpochListener | None = None
) -> Run:
    """Train in `settings.processes` data-parallel processes of this machine; arguments and errors are those of `train`.

    Several processes are forked from this one, so in a notebook no earlier cell may have initialised CUDA. With several
    processes, `on_epoch` is called for all epochs after the training has finished.
    """
    if settings.frozen_backbone:
        return train_head(settings, sources, on_epoch)
    if settings.processes == 1:
        return train(settings, sources, on_epoch)
    run = open_run(settings, sources)
    resumed_at = len(run.read_metrics())
    shared = settings.model_copy(update={"resume": str(run.folder)})
    notebook_launcher(_train_process, (shared, sources), num_processes=settings.processes, use_port=_find_free_port())
    for metrics in run.read_metrics()[resumed_at:]:
        if on_epoch is not None:
            on_epoch(metrics)
    return run


def _find_free_port() -> str:
    """Return a free TCP port of this machine, for the process group's rendezvous."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _train_process(settings: TrainingSettings, sources: dict[str, Any] | None) -> None:
    """Train as one of several processes, with an equal share of the CPU cores."""
    torch.set_num_threads(max((os.cpu_count() or 1) // settings.processes, 1))
    train(settings, sources)
