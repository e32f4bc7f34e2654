"""Run a training plan on one machine within a time limit: groups of steps in order, the steps of a group in parallel.

`python -m fer_lib.training.plan weights/plan --seconds 540` starts or resumes it. A plan is a recipe (a folder with one folder
per run, see `fer_lib.training.runs.recipe`) whose step names begin with a group number: `1a-…` and `1b-…` run in parallel on the
device, `2-…` after both, with them as teachers or initial weights. Finished steps are skipped; a step that the time limit stopped
resumes from its last checkpoint when the command is repeated.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from fer_lib.command_line import CommandParser
from fer_lib.settings.training import TrainingSettings
from fer_lib.training.runs.recipe import check_initial_weights, read_steps
from fer_lib.training.runs.run import find_finished

STOP_S = 10.0  # grace period between SIGTERM and SIGKILL
POLL_S = 0.2

Step = dict[str, Any]


def main(words: list[str]) -> int:
    """Run the command line and return the exit status: 0 finished, 2 failed, 3 stopped by the time limit."""
    parser = CommandParser("python -m fer_lib.training.plan", __doc__)
    parser.add_argument("folder", type=Path, help="folder of the plan, with one folder per run")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time limit (default: none)")
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a setting for all runs"
    )
    arguments, _ = parser.parse_words(words)
    end_s = time.monotonic() + arguments.seconds
    try:
        given = TrainingSettings.by_field(dict(arguments.p))
        steps = [step | given for step in read_steps(arguments.folder)]
        check_initial_weights(steps)
        return follow_plan(steps, end_s)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def follow_plan(steps: list[Step], end_s: float) -> int:
    """Run the groups of steps in order until `end_s`, in seconds of `time.monotonic`; return the exit status.

    Raises:
        ValueError: if a setting is invalid.
    """
    for number, group in groupby(steps, key=group_number):
        open_steps = [step for step in group if find_finished(TrainingSettings.load(**step)) is None]
        if open_steps:
            print(f"group {number}: {', '.join(step['run_name'] for step in open_steps)}", flush=True)
            status = run_in_parallel(open_steps, end_s)
            if status:
                return status
    return 0


def group_number(step: Step) -> str:
    """Return the number at the start of a step's name, or an empty string."""
    found = re.match(r"\d+", str(step.get("run_name", "")))
    return found[0] if found else ""


def run_in_parallel(steps: list[Step], end_s: float) -> int:
    """Run each step in a subprocess and wait for all; return 0, 2 if one failed, or 3 if the time limit stopped one."""
    running = {step["run_name"]: _start(step) for step in steps}
    try:
        while any(child.poll() is None for child in running.values()) and time.monotonic() < end_s:
            time.sleep(POLL_S)
    finally:
        stopped = [name for name, child in running.items() if child.poll() is None]
        for name in stopped:
            running[name].terminate()  # not SIGINT: background jobs of a shell ignore it; checkpoints are atomic
        for child in running.values():
            _wait(child)
    failed = [name for name, child in running.items() if child.returncode and name not in stopped]
    for name in failed:
        print(f"{name} failed; see its error above", file=sys.stderr)
    for name in stopped:
        print(f"{name} was stopped by the time limit; the same command resumes it", file=sys.stderr)
    return 2 if failed else 3 if stopped else 0


def exit_on_sigterm() -> None:
    """Raise SystemExit on SIGTERM, so that the running steps are stopped, too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _start(step: Step) -> subprocess.Popen[bytes]:
    words = [f"{name.upper()}={value}" for name, value in step.items() if value is not None]
    return subprocess.Popen([sys.executable, "-m", "fer_lib.training", *words])  # noqa: S603


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    exit_on_sigterm()
    sys.exit(main(sys.argv[1:]))
