"""A recipe is what was set in one run, or in several that build on each other, so that others can repeat it.

The folder of a run is a recipe. So is a folder of such folders: its steps are taken in the order of their numbers, and
each run is called as its step, so that a later one can name it as its teacher or as what it starts from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_lib.training.runs.run import LOCAL, RETIRED, WEIGHT_FILES, Run


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return the settings that decide what a run learned, to learn the same again.

    Raises:
        FileNotFoundError: if the folder is no run's.
        ValueError: if a retired setting was not at its default.
    """
    record = Run(folder).record
    if not record.is_file():
        raise FileNotFoundError(
            f"`--recipe` must be the folder of a run, or of several, but {folder} holds no {record.name}"
        )
    known = Run(folder).read_settings()
    for name, default in RETIRED.items():
        if known.get(name, default) != default:
            raise ValueError(f"`{name.upper()}` in {record} must be {default}, as it was removed, but is {known[name]}")
    return {name: value for name, value in known.items() if name not in LOCAL | RETIRED.keys()}


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """Return the settings of each run that a recipe consists of, in order; those of several have a `run_name`.

    Raises:
        FileNotFoundError: if the folder is no run's and holds none.
        ValueError: if a retired setting was not at its default.
    """
    steps = sorted((record.parent for record in folder.glob(f"*/{Run(folder).record.name}")), key=_by_number)
    if Run(folder).record.is_file() or not steps:
        return [read_recipe(folder)]
    return [read_recipe(step) | {"run_name": step.name} for step in steps]


def check_initial_weights(steps: list[dict[str, Any]]) -> None:
    """See that every file is there that one of several runs starts from, before hours go into those before it.

    Raises:
        FileNotFoundError: if one is not.
    """
    for step in steps:
        start = Path(step.get("initial_weights", "none"))
        if start.suffix in WEIGHT_FILES and not start.is_file():
            raise FileNotFoundError(
                f"{start} must be there before the first run, for {step.get('run_name', 'it')} starts from it;"
                " see data/README.md"
            )


def _by_number(step: Path) -> list[str | int]:
    """Return what puts `2-taught` before `10-taught`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", step.name)]
