"""One training, one folder: `runs/<time>-<name>/` holds all that is needed to judge and to repeat it.

settings.json       the resolved settings and where each came from
environment.json    versions, machine, commit
metrics.jsonl       one line per epoch
checkpoint.safetensors, previous.safetensors (the one before, if the last one is damaged), best.safetensors
curves.svg, emotion.onnx, emotion.json   there once the run is finished
02_train.ipynb      the executed notebook, if the notebook trained
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fer_lib.atomic_write import write_text
from fer_lib.optional_packages import find_version
from fer_lib.settings import retired
from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import printable

# Settings that do not change what a run learns, by kind: where its folder is, what computes it, where its data is.
STORAGE = frozenset({"resume", "runs_dir", "run_name"})
HARDWARE = frozenset({"device", "processes"})
DATA_PATHS = frozenset({"data_dir", "ferplus_csv"})
LOCAL = STORAGE | HARDWARE | DATA_PATHS
# Settings that may differ between a run and its continuation.
CHANGEABLE_ON_RESUME = LOCAL | {"crop_scale", "crop_shift_y", "label_offsets", "checkpoint_s", "time_limit_s"}
# Settings of earlier versions, which a record may still name, with their defaults.
RETIRED: dict[str, Any] = {
    name.removeprefix(TrainingSettings.model_config["env_prefix"]).lower(): setting.default
    for name, setting in retired.RETIRED["TrainingSettings"].items()
}
# How `initial_weights` end that name a file by its path: an exported network, or one that knows faces.
WEIGHT_FILES = (".onnx", ".json")
# What decides which epoch is kept: a number in its metrics, and whether more (1) or less (-1) is better.
SCORES = {
    "accuracy": ("validation_accuracy", 1),
    "balanced_accuracy": ("validation_balanced_accuracy", 1),
    "macro_f1": ("validation_macro_f1", 1),
    "mean": ("validation_mean", 1),
    "loss": ("validation_nll", -1),
    "last": ("epoch", 1),
}
PACKAGES = ("torch", "torchvision", "accelerate", "numpy", "opencv-python-headless", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Run:
    """The folder of one training."""

    folder: Path

    @property
    def record(self) -> Path:
        """The resolved settings and where each came from."""
        return self.folder / "settings.json"

    @property
    def checkpoint(self) -> Path:
        """Where the training goes on from."""
        return self.folder / "checkpoint.safetensors"

    @property
    def previous(self) -> Path:
        """The checkpoint before the last one."""
        return self.folder / "previous.safetensors"

    @property
    def best(self) -> Path:
        """The network of the epoch that `keep_by` chose among those so far."""
        return self.folder / "best.safetensors"

    @property
    def network(self) -> Path:
        """The exported network; its card lies beside it."""
        return self.folder / "emotion.onnx"

    @property
    def soft_targets(self) -> Path:
        """The teachers' stored predictions, if the run computed some."""
        return self.folder / "soft_targets.npz"

    @property
    def is_finished(self) -> bool:
        """Whether the network has been exported with its card."""
        return self.network.with_suffix(".json").is_file()

    def read_settings(self) -> dict[str, Any]:
        """Return the recorded settings, as JSON values.

        Raises:
            OSError, ValueError, KeyError, TypeError: if the record is missing or damaged.
        """
        settings: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))["settings"]
        return settings

    def log_epoch(self, metrics: dict[str, Any]) -> None:
        """Add one epoch; a line of the same epoch, from before an interruption, is replaced."""
        kept = [line for line in self.read_metrics() if line["epoch"] < metrics["epoch"]]
        write_text(self.folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in [*kept, metrics]))

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the epochs so far, oldest first."""
        path = self.folder / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def open_run(settings: TrainingSettings, sources: dict[str, str] | None = None) -> Run:
    """Find the run to go on with, as `settings.resume` says, or make a new one.

    Raises:
        FileNotFoundError: if `resume` names a folder that is no run's.
    """
    if settings.resume == "auto":
        for run in _runs_named(settings.run_name, settings.runs_dir):
            if run.checkpoint.is_file() and not run.is_finished and _has_same_learned_settings(run, settings):
                return run
    elif settings.resume != "never":
        run = Run(Path(settings.resume))
        if not run.record.is_file():
            raise FileNotFoundError(
                f"`RESUME` must be auto, never or the folder of a run, but {run.folder} holds no {run.record.name}"
            )
        _print_differences(run, settings)
        return run
    return _make_run(settings, sources or {})


def find_run(named: str, runs_dir: Path) -> Run | None:
    """Find the run of a name, of several the last that kept a network, or that of a folder; `None` if there is none."""
    called = (run for run in _runs_named(named, runs_dir) if run.best.is_file())
    return next(called, Run(Path(named)) if Run(Path(named)).record.is_file() else None)


def find_finished(settings: TrainingSettings) -> Run | None:
    """Find a finished run of the settings' name that learned as they say; `None` if there is none."""
    called = _runs_named(settings.run_name, settings.runs_dir)
    return next((run for run in called if run.is_finished and _has_same_learned_settings(run, settings)), None)


def kept_epoch(epochs: Sequence[dict[str, Any]], keep_by: str) -> dict[str, Any]:
    """Return the metrics of the epoch whose network is kept: the first of the best.

    Args:
        epochs: the metrics of some epochs, at least one.
        keep_by: the score that decides, a key of `SCORES`.
    """
    name, sign = SCORES[keep_by]
    return max(epochs, key=lambda line: sign * line[name])


def describe_environment() -> dict[str, Any]:
    """Return versions, machine and commit, to repeat a run by."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: find_version(name) for name in PACKAGES},
        "commit": _git_commit(),
    }


def _runs_named(name: str, runs_dir: Path) -> list[Run]:
    """Return the runs of a name, the last first."""
    folders = sorted(runs_dir.glob("*/"), reverse=True)
    return [Run(folder) for folder in folders if re.sub(r"^\d{8}-\d{6}-", "", folder.name) == name]


def _make_run(settings: TrainingSettings, sources: dict[str, str]) -> Run:
    start = datetime.now().astimezone()
    while (folder := settings.runs_dir / f"{start:%Y%m%d-%H%M%S}-{settings.run_name}").exists():
        start += timedelta(seconds=1)  # two runs of one name began in the same second
    folder.mkdir(parents=True)
    values = {"settings": settings.model_dump(mode="json"), "sources": sources}
    run = Run(folder)
    write_text(run.record, json.dumps(values, indent=2) + "\n")
    write_text(folder / "environment.json", json.dumps(describe_environment(), indent=2) + "\n")
    return run


def _has_same_learned_settings(run: Run, settings: TrainingSettings) -> bool:
    try:
        return not _learned_differences(run, settings)
    except (OSError, ValueError, KeyError):  # a folder whose record is missing or damaged is no run to go on with
        return False


def _learned_differences(run: Run, settings: TrainingSettings) -> list[str]:
    """Say what the settings would change in what the run learns."""
    before, now = run.read_settings(), RETIRED | settings.model_dump(mode="json")
    return [
        f"{name.upper()} {before[name]} → {value}"
        for name, value in now.items()
        if name not in CHANGEABLE_ON_RESUME and before.get(name, value) != value
    ]


def _print_differences(run: Run, settings: TrainingSettings) -> None:
    changed = _learned_differences(run, settings)
    if changed:
        print(f"the run {printable(run.folder)} goes on with other settings than it began with: {', '.join(changed)}")


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    try:
        told = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()
