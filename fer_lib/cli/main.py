"""Run the command that the first word names."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

from fer_lib import labels
from fer_lib.command_line import CommandParser, run_command
from fer_lib.terminal import prepare_streams, printable


class Command(NamedTuple):
    """A module with `main(words, prog)`, imported only when the command runs, and a line of help."""

    module: str
    summary: str


COMMANDS = {
    "photo": Command("fer_lib.cli.photo", "detect faces in photos and classify their emotions"),
    "video": Command("fer_lib.cli.video", "track faces in a video: annotated video, table, summary"),
    "live": Command("fer_lib.cli.live", "serve the live page with the camera"),
    "serve": Command("fer_lib.service.__main__", "serve the pipeline over HTTP"),
    "train": Command("fer_lib.training.__main__", "train the emotion network"),
    "sweep": Command("fer_lib.sweeps.sweep", "run many trainings, on one machine or a cluster"),
    "evaluate": Command("fer_lib.evaluate.__main__", "evaluate weights on labelled images"),
    "doctor": Command("fer_lib.cli.doctor", "check the installation"),
}
EXAMPLES = """\
fer-lib photo party.jpg -o party-faces.jpg
fer-lib video talk.mp4 -o talk-faces.mp4 --csv talk.csv
fer-lib live
fer-lib COMMAND --help"""


def script() -> None:
    """Run as a program and exit. SIGTERM ends a command like Ctrl-C: no partial output files remain."""
    prepare_streams()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 after success, 1 if the input was damaged or a check failed, 2 after an error in the call or the input, 130
        after Ctrl-C.
    """
    words = sys.argv[1:] if words is None else list(words)
    if not words or words[0] not in COMMANDS:
        return _without_command(words)
    name, *rest = words
    prog = f"fer-lib {name}"
    return run_command(prog, lambda: import_module(COMMANDS[name].module).main(rest, prog))


def _without_command(words: list[str]) -> int:
    """Print the help or the version, or an error with the nearest command."""
    commands = "\n".join(f"  {name:<10} {command.summary}" for name, command in COMMANDS.items())
    about = f"Classify the emotion of each face: {', '.join(labels.EMOTIONS)}.\n\ncommands:\n{commands}"
    parser = CommandParser("fer-lib", about, EXAMPLES)
    parser.add_argument("--version", action="version", version=f"fer-lib {_version()}")
    parser.add_argument("command", nargs="?", help="one of the commands above")
    name = parser.parse_known_args(words)[0].command
    if name is None:
        parser.print_help()
        return 0
    close = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"commands are {', '.join(COMMANDS)}"
    print(f"fer-lib: unknown command `{printable(name)}`; {hint}", file=sys.stderr)
    return 2


def _version() -> str:
    # The package root is imported already; modules of the package don't import it.
    return str(sys.modules[__name__.partition(".")[0]].__dict__["__version__"])
