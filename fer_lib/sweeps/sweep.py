"""Many trainings, side by side, on one machine or a cluster: each a papermill run, each a task of Ray.

    fer-lib sweep sweep.yaml --num-epochs 2

`fer-lib sweep` and `python -m fer_lib.sweeps.sweep` are the same command.

Each run is an ordinary folder in `runs/`. What is finished there is not run again, and a run that was cut off goes on
from its checkpoint, so the same command simply goes on. On a cluster (`RAY_ADDRESS` names it) the project must be
installed on every machine, and the folders of data and runs lie on a disk that all of them share.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.command_line import CommandParser, run_command
from fer_lib.local_ray import connect_ray
from fer_lib.optional_packages import require
from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import prepare_streams, printable

if TYPE_CHECKING:
    from fer_lib.sweeps.trials import Plan, Trial

Report = Callable[[str], None]
ABOUT = """\
Run the trainings that a plan in YAML lists, as Ray tasks. The same command again runs what is not finished. Settings
on the command line hold for all runs. Exits with 1 if a run failed."""
EXAMPLES = """\
fer-lib sweep deploy/sweep.yaml
fer-lib sweep deploy/sweep.yaml --num-epochs 2
RAY_ADDRESS=auto fer-lib sweep deploy/sweep.yaml      # on the cluster that this machine belongs to"""
INTERRUPTED = "interrupted; the same command runs what is not finished"


def run_sweep(plan: Plan, report: Report = print) -> list[Trial]:
    """Run what a plan lacks, as much at a time as there is room for, and return the trials that failed.

    Without `RAY_ADDRESS`, a Ray is started on this machine and ended. It listens on 127.0.0.1 and has no dashboard.

    Raises:
        ValueError: if a setting is wrong; then nothing was started.
    """
    from fer_lib.sweeps.trials import list_trials

    trials = list_trials(plan)
    missing = [trial for trial in trials if not trial.find_finished()]
    report(f"{len(trials)} runs, {len(trials) - len(missing)} finished already")
    if not missing:
        return []
    with connect_ray():
        return _run_all(missing, plan, report)


def run_trial(trial: Trial, notebook: Path) -> str | None:
    """Execute the notebook with the settings of `trial`; return `None`, or one line about what went wrong.

    The executed notebook ends in the run's folder, or beside it if there is none.
    """
    trial.runs_dir.mkdir(parents=True, exist_ok=True)
    executed = trial.runs_dir / f"{trial.run_name}.ipynb"
    parameters = {name.upper(): value for name, value in trial.settings.items() if value is not None}
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook), str(executed)]
    # JSON is YAML, too.
    done = subprocess.run(  # noqa: S603
        [*command, "-y", json.dumps(parameters)], capture_output=True, text=True, check=False
    )
    folder = trial.find_finished()
    if done.returncode or folder is None:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if done.returncode and lines else "the notebook ended without a finished run"
    executed.replace(folder / notebook.name)
    return None


def describe_trials(trials: Sequence[Trial]) -> str:
    """Return a table of the finished runs, the best on the validation split first."""
    rows = [(_accuracy(folder), folder.name, trial.chosen) for trial in trials if (folder := trial.find_finished())]
    ordered = sorted(rows, key=lambda row: (-row[0], row[1]))
    return "\n".join(f"{accuracy:6.1%}  {name}  {_in_words(chosen)}" for accuracy, name, chosen in ordered)


def main(words: Sequence[str] | None = None, prog: str = "python -m fer_lib.sweeps.sweep") -> int:
    """Run the command, which is called `prog` in help and errors; return 0, 1 if runs failed, 2 after an error."""
    parser = CommandParser(prog, ABOUT, EXAMPLES, "plan")
    parser.add_argument("plan", type=Path, help="the plan, a YAML file")
    parser.add_settings(TrainingSettings, "settings of all runs")
    arguments, given = parser.parse_words(words)
    return run_command(prog, lambda: _sweep(arguments.plan, given), INTERRUPTED)


def _sweep(path: Path, given: dict[str, str]) -> int:
    require("a sweep", "cluster,train", ray="ray", yaml="pyyaml", papermill="papermill", torch="torch")
    from fer_lib.sweeps.trials import list_trials, read_plan

    plan = read_plan(path)
    varied = {*plan.grid, *plan.random} - ({"runs", "seed"} if plan.random else set())
    for name in given:
        if name in varied:
            raise ValueError(
                f"`{name.upper()}` is varied by the plan {path}: leave it out on the command line or there"
            )
    plan = plan.model_copy(update={"settings": {**plan.settings, **given}})
    failed = run_sweep(plan)
    print(describe_trials(list_trials(plan)))
    return 1 if failed else 0


def _run_all(trials: Sequence[Trial], plan: Plan, report: Report) -> list[Trial]:
    import ray  # only now: what it listens on is decided before its import

    # Ray's own retries are off: a failure is told before it is tried again.
    task = ray.remote(run_trial).options(num_cpus=plan.cpus_per_run, num_gpus=plan.gpus_per_run, max_retries=0)
    notebook = plan.notebook.absolute()
    running: dict[Any, tuple[Trial, int]] = {task.remote(trial, notebook): (trial, 1) for trial in trials}
    failed = []
    while running:
        (done, *_), _ = ray.wait(list(running))
        trial, tries = running.pop(done)
        reason = _read_reason(done)
        if reason is None:
            report(f"finished: {trial.run_name}  {_in_words(trial.chosen)}")
        elif tries < plan.tries:
            report(f"failed, trying again: {trial.run_name}  {_in_words(trial.chosen)}: {printable(reason)}")
            running[task.remote(trial, notebook)] = trial, tries + 1
        else:
            report(f"failed {tries} times: {trial.run_name}  {_in_words(trial.chosen)}: {printable(reason)}")
            failed.append(trial)
    return failed


def _read_reason(done: Any) -> str | None:
    import ray

    try:
        reason: str | None = ray.get(done)
    except ray.exceptions.RayError as error:  # the task's process or its machine is gone
        return str(error).splitlines()[0]
    return reason


def _accuracy(folder: Path) -> float:
    card = json.loads((folder / "emotion.json").read_text(encoding="utf-8"))
    return float(card.get("metrics", {}).get("validation", {}).get("accuracy", 0))


def _in_words(chosen: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in chosen.items())


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
