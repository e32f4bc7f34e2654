"""A plan in YAML becomes the trainings to run, each with a name that says what it is.

    name: rates
    settings: {num_epochs: 5, image_size: 64}     # the same in all runs
    grid:                                         # every combination
      learning_rate: [0.001, 0.0003]
      optimizer: [adamw, sgd]

or, in the place of `grid`, so many runs drawn at random:

    random:
      runs: 20
      seed: 0
      learning_rate: {log: [0.0001, 0.01]}        # evenly by its logarithm
      dropout_rate: {between: [0.2, 0.6]}
      sampler: {of: [balanced, root]}
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
from fer_lib.training.runs.run import HARDWARE, STORAGE, find_finished


class Plan(BaseModel):
    """What a sweep tries, and with what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="goes before the name of each run")
    notebook: Path = Field(PROJECT / "notebooks" / "02_train.ipynb", description="the training")
    settings: dict[str, Any] = Field({}, description="settings of training that all runs share")
    grid: dict[str, list[Any]] = Field({}, description="the values of each setting; every combination is a run")
    random: dict[str, Any] = Field({}, description="`runs`, `seed`, and for each setting what it is drawn from")
    cpus_per_run: float = Field(1, gt=0, description="processor cores that a run needs")
    gpus_per_run: float = Field(0, ge=0, description="graphics cards that a run needs")
    tries: int = Field(2, ge=1, le=100, description="how often a run is tried before it counts as failed")


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    Attributes:
        run_name: the end of its folder's name: of equal settings, equal.
        chosen: the settings in which the runs of the sweep differ.
        settings: all settings, ready for any computer that sees the same disk.
    """

    run_name: str
    chosen: dict[str, Any]
    settings: dict[str, Any]

    @property
    def runs_dir(self) -> Path:
        """The folder of all runs."""
        return Path(self.settings["runs_dir"])

    def find_finished(self) -> Path | None:
        """Return the folder of a finished run with these settings, if there is one."""
        run = find_finished(TrainingSettings.load(**self.settings))
        return run.folder if run else None


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no plan; the sentence says what is wrong.
    """
    if not path.is_file():
        raise FileNotFoundError(f"the plan must be a YAML file, but there is no {path}")
    try:
        plan = Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(f"the plan {path} must be YAML, but {' '.join(str(error).split())}") from None
    except ValidationError as error:
        wrong = "; ".join(f"`{'.'.join(map(str, one['loc'])) or 'plan'}`: {one['msg']}" for one in error.errors())
        raise ValueError(f"the plan {path} is not one that can be run: {wrong}") from None
    if bool(plan.grid) == bool(plan.random):
        raise ValueError(f"the plan {path} must have either a `grid` or `random` settings, but got both or neither")
    return plan


def list_trials(plan: Plan) -> list[Trial]:
    """Return the runs of a plan, all checked before the first starts; equal ones are one.

    Raises:
        ValueError: if a setting or its value is wrong.
    """
    draws = _draw(plan.random) if plan.random else _combine(plan.grid)
    trials = [_make_trial(plan, chosen) for chosen in draws]
    return list({trial.run_name: trial for trial in trials}.values())


def _make_trial(plan: Plan, chosen: dict[str, Any]) -> Trial:
    for name in {"run_name", "resume"} & {*plan.settings, *chosen}:
        raise ValueError(f"`{name}` must be left to the sweep, but the plan sets it")
    settings = TrainingSettings.load(**{**plan.settings, **chosen})
    values = {**settings.model_dump(mode="json"), "resume": "auto"}
    for name in ("data_dir", "runs_dir", "ferplus_csv"):
        if values[name] is not None:
            values[name] = str(Path(values[name]).absolute())
    # Only what is not the default, so that a new knob with a default does not make everything new.
    learned = {
        name: value for name, value in values.items() if name not in STORAGE | HARDWARE and value != _default(name)
    }
    digest = hashlib.sha256(json.dumps(learned, sort_keys=True).encode()).hexdigest()[:8]
    run_name = f"{plan.name}-{digest}"
    return Trial(run_name, chosen, {**values, "run_name": run_name})


def _default(name: str) -> Any:
    value = TrainingSettings.model_fields[name].default
    return str(value) if isinstance(value, Path) else value


def _combine(grid: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _draw(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sources = {name: source for name, source in said.items() if name not in ("runs", "seed")}
    runs = said.get("runs")
    if not isinstance(runs, int) or runs < 1 or not sources:
        raise ValueError(f"`random` must have `runs`, a whole number, and settings to draw, but got {said}")
    chance = random.Random(said.get("seed", 0))  # noqa: S311
    for _ in range(runs):
        yield {name: _draw_one(name, source, chance) for name, source in sources.items()}


def _draw_one(name: str, source: Any, chance: random.Random) -> Any:
    match source:
        case {"of": [_, *_] as values}:
            return chance.choice(values)
        case {"between": [int() as low, int() as high]} if low <= high:
            return chance.randint(low, high)
        case {"between": [int() | float() as low, int() | float() as high]} if low <= high:
            return round(chance.uniform(low, high), 6)
        case {"log": [int() | float() as low, int() | float() as high]} if 0 < low <= high:
            return float(f"{math.exp(chance.uniform(math.log(low), math.log(high))):.3g}")
    raise ValueError(
        f"`random.{name}` must be {{of: [...]}}, {{between: [low, high]}} or {{log: [low, high]}}, but got {source!r}"
    )
