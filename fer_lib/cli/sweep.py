"""`fer-lib sweep`: many trainings, side by side, on one machine or a cluster."""

from __future__ import annotations

from pathlib import Path

from fer_lib.cli.parsing import make_parser
from fer_lib.packages import require

ABOUT = """\
Run the trainings that a plan in YAML lists, as tasks of Ray. The same command again goes on with what is not
finished. Exits with 1 if a run failed."""
EXAMPLES = """\
fer-lib sweep deploy/sweep.yaml
RAY_ADDRESS=auto fer-lib sweep deploy/sweep.yaml      # on the cluster that this machine belongs to"""


def main(words: list[str]) -> int:
    """Run the command and return the exit status.

    Raises:
        ModuleNotFoundError: if a package is missing, with the command that installs it.
    """
    parser = make_parser("sweep", ABOUT, EXAMPLES)
    parser.add_argument("plan", type=Path, help="what to try, as YAML")
    given = parser.parse_args(words)
    require("this", "cluster,train", ray="ray", papermill="papermill", torch="torch")
    from fer_lib.service.sweep import main as sweep

    return sweep([str(given.plan)])
