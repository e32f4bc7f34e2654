"""Run a hyperparameter sweep as Ray tasks, on one machine or a cluster; each trial executes the training notebook.

    fer-lib sweep sweep.yaml --num-epochs 2

`fer-lib sweep` and `python -m fer_lib.sweeps.sweep` are the same command.

Each trial writes an ordinary run folder in `runs/`. Finished trials are skipped and interrupted ones resume from their
checkpoint, so the same command continues an interrupted sweep. On a cluster (`RAY_ADDRESS`) the project must be installed
on every machine, and all machines must share the folders of data and runs.
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
Run the training runs of a sweep plan (YAML) as Ray tasks. Finished runs are skipped, so the same command continues an
interrupted sweep. Settings on the command line apply to all runs. The exit status is 1 if a run failed."""
EXAMPLES = """\
fer-lib sweep deploy/sweep.yaml
fer-lib sweep deploy/sweep.yaml --num-epochs 2
RAY_ADDRESS=auto fer-lib sweep deploy/sweep.yaml      # on this machine's cluster"""
INTERRUPTED = "interrupted; run the same command again to continue"


def run_sweep(plan: Plan, report: Report = print) -> list[Trial]:
    """Run the unfinished trials of a plan, as many at a time as the cluster has resources for; return the failed ones.

    Without `RAY_ADDRESS`, a local Ray cluster runs meanwhile; it listens on 127.0.0.1 and has no dashboard.

    Args:
        plan: the sweep.
        report: called with each line of progress.

    Raises:
        ValueError: if a setting of any trial is wrong; then no trial is started.
    """
    from fer_lib.sweeps.trials import list_trials

    trials = list_trials(plan)
    unfinished = [trial for trial in trials if not trial.find_finished()]
    report(f"{len(trials)} runs, {len(trials) - len(unfinished)} already finished")
    if not unfinished:
        return []
    with connect_ray():
        return _run_all(unfinished, plan, report)


def run_trial(trial: Trial, notebook: Path) -> str | None:
    """Execute the notebook with the settings of a trial; return `None`, or the error in one line.

    The executed notebook is moved to the run's folder; after an error it stays in `runs_dir`.
    """
    trial.runs_dir.mkdir(parents=True, exist_ok=True)
    executed = trial.runs_dir / f"{trial.run_name}.ipynb"
    parameters = {name.upper(): value for name, value in trial.settings.items() if value is not None}
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook), str(executed)]
    # JSON is a subset of YAML.
    done = subprocess.run(  # noqa: S603
        [*command, "-y", json.dumps(parameters)], capture_output=True, text=True, check=False
    )
    folder = trial.find_finished()
    if done.returncode or folder is None:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if done.returncode and lines else "the notebook was executed, but its run is not finished"
    executed.replace(folder / notebook.name)
    return None


def format_results(trials: Sequence[Trial]) -> str:
    """Return a table of the finished trials: validation accuracy, folder, varied settings; the best first."""
    rows = [
        (_validation_accuracy(folder), folder.name, trial.varied)
        for trial in trials
        if (folder := trial.find_finished())
    ]
    ordered = sorted(rows, key=lambda row: (-row[0], row[1]))
    return "\n".join(f"{accuracy:6.1%}  {name}  {_format_settings(varied)}" for accuracy, name, varied in ordered)


def main(words: Sequence[str] | None = None, prog: str = "python -m fer_lib.sweeps.sweep") -> int:
    """Run the command, named `prog` in help and errors; return its exit status: 1 if trials failed, 2 after an error."""
    parser = CommandParser(prog, ABOUT, EXAMPLES, "plan")
    parser.add_argument("plan", type=Path, help="YAML file of the sweep plan")
    parser.add_settings(TrainingSettings, "settings of all runs")
    arguments, overrides = parser.parse_words(words)
    return run_command(prog, lambda: _sweep(arguments.plan, overrides), INTERRUPTED)


def _sweep(path: Path, overrides: dict[str, str]) -> int:
    require("a sweep", "cluster,train", ray="ray", yaml="pyyaml", papermill="papermill", torch="torch")
    from fer_lib.sweeps.trials import list_trials, read_plan

    plan = read_plan(path)
    varied = {*plan.grid, *plan.random} - ({"runs", "seed"} if plan.random else set())
    for name in overrides:
        if name in varied:
            raise ValueError(
                f"`{name.upper()}` must be set either by the plan {path}, which varies it, or on the command line, "
                "but got both; remove one"
            )
    plan = plan.model_copy(update={"settings": {**plan.settings, **overrides}})
    failed = run_sweep(plan)
    print(format_results(list_trials(plan)))
    return 1 if failed else 0


def _run_all(trials: Sequence[Trial], plan: Plan, report: Report) -> list[Trial]:
    import ray  # after `restrict_local_ray` has set the environment that Ray reads at import

    # Without Ray's own retries, so that each failure is reported before the next attempt.
    task = ray.remote(run_trial).options(num_cpus=plan.cpus_per_run, num_gpus=plan.gpus_per_run, max_retries=0)
    notebook = plan.notebook.absolute()
    running: dict[Any, tuple[Trial, int]] = {task.remote(trial, notebook): (trial, 1) for trial in trials}
    failed = []
    while running:
        (done, *_), _ = ray.wait(list(running))
        trial, attempts = running.pop(done)
        error = _get_error(done)
        if error is None:
            report(f"finished: {trial.run_name}  {_format_settings(trial.varied)}")
        elif attempts < plan.tries:
            report(f"failed, retrying: {trial.run_name}  {_format_settings(trial.varied)}: {printable(error)}")
            running[task.remote(trial, notebook)] = trial, attempts + 1
        else:
            report(f"failed {attempts} times: {trial.run_name}  {_format_settings(trial.varied)}: {printable(error)}")
            failed.append(trial)
    return failed


def _get_error(done: Any) -> str | None:
    import ray

    try:
        error: str | None = ray.get(done)
    except ray.exceptions.RayError as lost:  # the task's process was killed, or its machine is unreachable
        return str(lost).splitlines()[0]
    return error


def _validation_accuracy(folder: Path) -> float:
    card = json.loads((folder / "emotion.json").read_text(encoding="utf-8"))
    return float(card.get("metrics", {}).get("validation", {}).get("accuracy", 0))


def _format_settings(settings: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
