"""Train by executing notebook 02; the executed notebook is written to the run's folder.

`python -m fer_lib.training.notebook -p NUM_EPOCHS 2 -p OPTIMIZER sgd` uses papermill's syntax for parameters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError

from fer_lib.command_line import CommandParser, run_command
from fer_lib.settings.base import PROJECT
from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import prepare_streams, printable
from fer_lib.training.__main__ import INTERRUPTED
from fer_lib.training.runs.recipe import check_initial_weights, read_steps
from fer_lib.training.runs.run import Run, find_finished, open_run

NOTEBOOK = PROJECT / "notebooks" / "02_train.ipynb"


def main(words: list[str]) -> int:
    """Train with parameters in papermill's syntax (`-p NAME VALUE`) and return the exit status."""
    prog = "python -m fer_lib.training.notebook"
    parser = CommandParser(prog, __doc__)
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a setting of .env.example"
    )
    parser.add_argument(
        "--recipe", type=Path, help="folder of a run, or of several, to repeat; -p changes single settings"
    )
    arguments, _ = parser.parse_words(words)
    given = _by_field(arguments.p)

    def train() -> int:
        run = follow_recipe(arguments.recipe, given) if arguments.recipe else train_notebook(given)
        print(printable(run.folder))
        return 0

    return run_command(prog, train, INTERRUPTED)


def follow_recipe(folder: Path, given: dict[str, Any]) -> Run:
    """Train the steps of a recipe in order, skip finished ones before the last, and return the last run.

    Args:
        folder: folder of a run, or of several runs that depend on each other.
        given: settings, by field, that override the recipe's in every step.

    Raises:
        FileNotFoundError: if the folder contains no run, or a file with initial weights is missing.
        ValueError: if a setting is invalid.
        RuntimeError: if a step fails; the steps before it stay finished.
    """
    *before, last = steps = [step | given for step in read_steps(folder)]
    check_initial_weights(steps)
    for number, step in enumerate(before, 1):
        print(f"run {number} of {len(before) + 1}: {step['run_name']}", flush=True)
        if find_finished(TrainingSettings.load(**step)) is None:
            train_notebook(step)
    return train_notebook(last)


def train_notebook(parameters: dict[str, Any]) -> Run:
    """Execute notebook 02 with parameters, by field; write the executed notebook to the run's folder and return the run.

    Raises:
        ValueError: if a setting is invalid; raised before execution.
        FileNotFoundError: if `RESUME` is not the folder of a run.
        RuntimeError: if a cell fails; the executed notebook contains the traceback.
    """
    parameters = TrainingSettings.current(parameters)
    run = open_run(TrainingSettings.load(**parameters), TrainingSettings.sources(**parameters))
    cell_parameters = {name.upper(): value for name, value in parameters.items()} | {
        "RESUME": str(run.folder.absolute())
    }
    try:
        papermill.execute_notebook(NOTEBOOK, run.folder / NOTEBOOK.name, cell_parameters)
    except PapermillExecutionError as error:
        raise RuntimeError(f"{error.ename}: {error.evalue}") from None
    return run


def _by_field(pairs: list[list[str]]) -> dict[str, Any]:
    return TrainingSettings.by_field(dict(pairs))


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
