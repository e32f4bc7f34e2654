"""The folder of a run, `runs/<time>-<name>/`: everything needed to evaluate and reproduce a training.

settings.json           resolved settings and the source of each
environment.json        versions, machine, commit
metrics.jsonl           one line per epoch
checkpoint.safetensors  last checkpoint; previous.safetensors: the one before, in case the last is damaged
best.safetensors        network of the selected epoch
curves.svg, emotion.onnx, emotion.json   written when the run is finished
02_train.ipynb          executed notebook, if the training was started by it
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

# Settings that do not affect the result of a training, by kind.
STORAGE = frozenset({"resume", "runs_dir", "run_name"})
HARDWARE = frozenset({"device", "processes"})
DATA_PATHS = frozenset({"data_dir", "ferplus_csv"})
LOCAL = STORAGE | HARDWARE | DATA_PATHS
# Settings that may change when a run is resumed.
CHANGEABLE_ON_RESUME = LOCAL | {"crop_scale", "crop_shift_y", "label_offsets", "checkpoint_s", "time_limit_s"}
# Settings of earlier versions that records may contain, with their defaults.
RETIRED: dict[str, Any] = {
    name.removeprefix(TrainingSettings.model_config["env_prefix"]).lower(): setting.default
    for name, setting in retired.RETIRED["TrainingSettings"].items()
}
# Suffixes of `initial_weights` files without batch-norm statistics: exported network, manifest of dlib's weights.
WEIGHT_FILES = (".onnx", ".json")
# Scores for `keep_by`: key in an epoch's metrics, and 1 if higher is better or -1 if lower is better.
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
        """Resolved settings and the source of each."""
        return self.folder / "settings.json"

    @property
    def checkpoint(self) -> Path:
        """Last checkpoint."""
        return self.folder / "checkpoint.safetensors"

    @property
    def previous(self) -> Path:
        """Checkpoint before the last one."""
        return self.folder / "previous.safetensors"

    @property
    def best(self) -> Path:
        """Network of the best epoch so far, by `keep_by`."""
        return self.folder / "best.safetensors"

    @property
    def network(self) -> Path:
        """Exported network; its model card has the same name with the suffix `.json`."""
        return self.folder / "emotion.onnx"

    @property
    def soft_targets(self) -> Path:
        """The teachers' stored predictions, if the run computed them."""
        return self.folder / "soft_targets.npz"

    @property
    def is_finished(self) -> bool:
        """Whether the network has been exported with its model card."""
        return self.network.with_suffix(".json").is_file()

    def read_settings(self) -> dict[str, Any]:
        """Return the recorded settings, as JSON values.

        Raises:
            OSError, ValueError, KeyError, TypeError: if the record is missing or damaged.
        """
        settings: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))["settings"]
        return settings

    def log_epoch(self, metrics: dict[str, Any]) -> None:
        """Append the metrics of an epoch; lines of the same or later epochs, from before an interruption, are dropped."""
        kept = [line for line in self.read_metrics() if line["epoch"] < metrics["epoch"]]
        write_text(self.folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in [*kept, metrics]))

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the metrics of all epochs so far, in order."""
        path = self.folder / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def open_run(settings: TrainingSettings, sources: dict[str, str] | None = None) -> Run:
    """Return the run to resume according to `settings.resume`, or create a new one.

    Raises:
        FileNotFoundError: if `settings.resume` is a folder without a run.
    """
    if settings.resume == "auto":
        for run in _runs_named(settings.run_name, settings.runs_dir):
            if run.checkpoint.is_file() and not run.is_finished and _has_same_learned_settings(run, settings):
                return run
    elif settings.resume != "never":
        run = Run(Path(settings.resume))
        if not run.record.is_file():
            raise FileNotFoundError(
                f"`RESUME` must be auto, never or the folder of a run, but {run.folder} has no {run.record.name}"
            )
        _print_differences(run, settings)
        return run
    return _make_run(settings, sources or {})


def find_run(name: str, runs_dir: Path) -> Run | None:
    """Find a run by name (the last one with a saved network) or by folder; `None` if there is none."""
    saved = (run for run in _runs_named(name, runs_dir) if run.best.is_file())
    return next(saved, Run(Path(name)) if Run(Path(name)).record.is_file() else None)


def find_finished(settings: TrainingSettings) -> Run | None:
    """Find a finished run with the settings' name and the same learned settings; `None` if there is none."""
    runs = _runs_named(settings.run_name, settings.runs_dir)
    return next((run for run in runs if run.is_finished and _has_same_learned_settings(run, settings)), None)


def select_epoch(epochs: Sequence[dict[str, Any]], keep_by: str) -> dict[str, Any]:
    """Return the metrics of the best epoch by a score; the first of equals (checkpoint selection).

    Args:
        epochs: metrics of at least one epoch.
        keep_by: score, a key of `SCORES`.
    """
    name, sign = SCORES[keep_by]
    return max(epochs, key=lambda line: sign * line[name])


def describe_environment() -> dict[str, Any]:
    """Return versions, machine and commit, for reproducibility."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: find_version(name) for name in PACKAGES},
        "commit": _git_commit(),
    }


def _runs_named(name: str, runs_dir: Path) -> list[Run]:
    """Return the runs of a name, newest first."""
    folders = sorted(runs_dir.glob("*/"), reverse=True)
    return [Run(folder) for folder in folders if re.sub(r"^\d{8}-\d{6}-", "", folder.name) == name]


def _make_run(settings: TrainingSettings, sources: dict[str, str]) -> Run:
    start = datetime.now().astimezone()
    while (folder := settings.runs_dir / f"{start:%Y%m%d-%H%M%S}-{settings.run_name}").exists():
        start += timedelta(seconds=1)  # avoids the folder of a run started in the same second
    folder.mkdir(parents=True)
    values = {"settings": settings.model_dump(mode="json"), "sources": sources}
    run = Run(folder)
    write_text(run.record, json.dumps(values, indent=2) + "\n")
    write_text(folder / "environment.json", json.dumps(describe_environment(), indent=2) + "\n")
    return run


def _has_same_learned_settings(run: Run, settings: TrainingSettings) -> bool:
    try:
        return not _learned_differences(run, settings)
    except (OSError, ValueError, KeyError):  # a run with a missing or damaged record is not resumed
        return False


def _learned_differences(run: Run, settings: TrainingSettings) -> list[str]:
    """Return the settings that differ from the run's and affect its result, as `NAME old → new`."""
    before, now = run.read_settings(), RETIRED | settings.model_dump(mode="json")
    return [
        f"{name.upper()} {before[name]} → {value}"
        for name, value in now.items()
        if name not in CHANGEABLE_ON_RESUME and before.get(name, value) != value
    ]


def _print_differences(run: Run, settings: TrainingSettings) -> None:
    changed = _learned_differences(run, settings)
    if changed:
        print(f"the run {printable(run.folder)} is resumed with changed settings: {', '.join(changed)}")


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
