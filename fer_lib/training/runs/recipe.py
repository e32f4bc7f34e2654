"""Read recipes: the settings of one run, or of several runs that depend on each other, to reproduce them.

The folder of a run is a recipe, and so is a folder of such folders. Their steps are trained in the order of their numbers. Each
run gets the name of its step, by which later steps refer to it as a teacher or as initial weights.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_lib.training.runs.run import LOCAL, RETIRED, WEIGHT_FILES, Run


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return the settings that a run's result depends on.

    Raises:
        FileNotFoundError: if the folder is not that of a run.
        ValueError: if a retired setting was not at its default.
    """
    record = Run(folder).record
    if not record.is_file():
        raise FileNotFoundError(
            f"`--recipe` must be the folder of a run, or of several, but {folder} has no {record.name}"
        )
    settings = Run(folder).read_settings()
    for name, default in RETIRED.items():
        if settings.get(name, default) != default:
            raise ValueError(
                f"`{name.upper()}` in {record} must be {default} (the setting was removed), but got {settings[name]}"
            )
    return {name: value for name, value in settings.items() if name not in LOCAL | RETIRED.keys()}


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """Return the settings of each step of a recipe, in order; the steps of a recipe with several have a `run_name`.

    Raises:
        FileNotFoundError: if the folder contains no run.
        ValueError: if a retired setting was not at its default.
    """
    steps = sorted((record.parent for record in folder.glob(f"*/{Run(folder).record.name}")), key=_by_number)
    if Run(folder).record.is_file() or not steps:
        return [read_recipe(folder)]
    return [read_recipe(step) | {"run_name": step.name} for step in steps]


def check_initial_weights(steps: list[dict[str, Any]]) -> None:
    """Check that all files with initial weights exist, before the first step is trained.

    Raises:
        FileNotFoundError: if a file is missing.
    """
    for step in steps:
        weights = Path(step.get("initial_weights", "none"))
        if weights.suffix in WEIGHT_FILES and not weights.is_file():
            raise FileNotFoundError(
                f"`INITIAL_WEIGHTS` of {step.get('run_name', 'the run')} must be an existing file, but got {weights}; see data/README.md"
            )


def _by_number(step: Path) -> list[str | int]:
    """Return the natural sort key of a step's name: `2-student` before `10-student`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", step.name)]
