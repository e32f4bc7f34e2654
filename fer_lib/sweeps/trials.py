"""Sweep plans in YAML, and their trials: a grid search or a random search over training settings.

    name: rates
    settings: {num_epochs: 5, image_size: 64}     # of all runs
    grid:                                         # grid search: every combination is a run
      learning_rate: [0.001, 0.0003]
      optimizer: [adamw, sgd]

or a random search instead of `grid`:

    random:
      runs: 20
      seed: 0
      learning_rate: {log: [0.0001, 0.01]}        # log-uniform
      dropout_rate: {between: [0.2, 0.6]}        # uniform
      sampler: {of: [balanced, root]}            # one of these values
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fer_lib.settings.base import PROJECT
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.runs.run import DATA_PATHS, HARDWARE, STORAGE, find_finished


class Plan(BaseModel):
    """A sweep: the settings that vary, those that do not, and the resources of each run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="prefix of the run names")
    notebook: Path = Field(PROJECT / "notebooks" / "02_train.ipynb", description="training notebook")
    settings: dict[str, Any] = Field({}, description="training settings of all runs")
    grid: dict[str, list[Any]] = Field({}, description="values of each varied setting; every combination is a run")
    random: dict[str, Any] = Field({}, description="`runs`, `seed`, and the distribution of each varied setting")
    cpus_per_run: float = Field(1, gt=0, description="CPU cores of one run")
    gpus_per_run: float = Field(0, ge=0, description="GPUs of one run")
    tries: int = Field(2, ge=1, le=100, description="attempts before a run counts as failed")


@dataclass(frozen=True)
class Trial:
    """One training run of a sweep.

    Attributes:
        run_name: name of the run: the plan's name and a hash of the settings, so equal settings have equal names.
        varied: values of the settings that the plan varies.
        settings: all training settings, with absolute paths, for any machine that shares the disk.
    """

    run_name: str
    varied: dict[str, Any]
    settings: dict[str, Any]

    @property
    def runs_dir(self) -> Path:
        """Folder of all runs."""
        return Path(self.settings["runs_dir"])

    def find_finished(self) -> Path | None:
        """Return the folder of a finished run with these settings, or `None`."""
        run = find_finished(TrainingSettings.load(**self.settings))
        return run.folder if run else None


def read_plan(path: Path) -> Plan:
    """Read and validate a plan.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not YAML, or not a valid plan.
    """
    if not path.is_file():
        raise FileNotFoundError(f"the plan must be a YAML file, but {path} does not exist")
    try:
        plan = Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(
            f"the plan {path} must be valid YAML, but got an error: {' '.join(str(error).split())}"
        ) from None
    except ValidationError as error:
        errors = "; ".join(f"`{'.'.join(map(str, one['loc'])) or 'plan'}`: {one['msg']}" for one in error.errors())
        raise ValueError(f"the plan {path} must have valid keys and values, but got {errors}") from None
    if bool(plan.grid) == bool(plan.random):
        raise ValueError(f"the plan {path} must have either `grid` or `random`, but got both or neither")
    return plan


def list_trials(plan: Plan) -> list[Trial]:
    """Return the validated trials of a plan, without repetitions.

    Raises:
        ValueError: if the name or value of a setting is wrong.
    """
    combinations = _sample(plan.random) if plan.random else _combine(plan.grid)
    trials = [_create_trial(plan, varied) for varied in combinations]
    return list({trial.run_name: trial for trial in trials}.values())


def _create_trial(plan: Plan, varied: dict[str, Any]) -> Trial:
    for name in {"run_name", "resume"} & {*plan.settings, *varied}:
        raise ValueError(f"`{name}` must not be in the plan, because the sweep sets it; remove it")
    settings = TrainingSettings.load(**{**plan.settings, **varied})
    values = {**settings.model_dump(mode="json"), "resume": "auto"}
    for name in {"runs_dir", *DATA_PATHS}:
        if values[name] is not None:
            values[name] = str(Path(values[name]).absolute())
    # Without defaults, so that a setting added later does not change the names. All settings that change the result are
    # hashed, also those that may differ when a run is resumed (paths of the data, crops of the card).
    hashed = {
        name: value for name, value in values.items() if name not in STORAGE | HARDWARE and value != _default(name)
    }
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:8]
    run_name = f"{plan.name}-{digest}"
    return Trial(run_name, varied, {**values, "run_name": run_name})


def _default(name: str) -> Any:
    value = TrainingSettings.model_fields[name].default
    return str(value) if isinstance(value, Path) else value


def _combine(grid: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _sample(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    distributions = {name: value for name, value in spec.items() if name not in ("runs", "seed")}
    runs = spec.get("runs")
    if not isinstance(runs, int) or runs < 1 or not distributions:
        raise ValueError(f"`random` must have `runs`, a positive integer, and settings to vary, but got {spec}")
    generator = random.Random(spec.get("seed", 0))  # noqa: S311
    for _ in range(runs):
        yield {name: _sample_value(name, one, generator) for name, one in distributions.items()}


def _sample_value(name: str, distribution: Any, generator: random.Random) -> Any:
    match distribution:
        case {"of": [_, *_] as values}:
            return generator.choice(values)
        case {"between": [int() as low, int() as high]} if low <= high:
            return generator.randint(low, high)
        case {"between": [int() | float() as low, int() | float() as high]} if low <= high:
            return round(generator.uniform(low, high), 6)
        case {"log": [int() | float() as low, int() | float() as high]} if 0 < low <= high:
            return float(f"{math.exp(generator.uniform(math.log(low), math.log(high))):.3g}")
    raise ValueError(
        f"`random.{name}` must be {{of: [...]}}, {{between: [low, high]}} or {{log: [low, high]}}, but got {distribution!r}"
    )
