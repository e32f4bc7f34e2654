"""The first word chooses a command; whatever goes wrong with the input is told in a sentence."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from fer_lib import labels
from fer_lib.cli.parsing import in_a_sentence, make_parser
from fer_lib.terminal import prepare_streams, printable

# Each lives in the file of its name and is imported only when it is called.
COMMANDS = {
    "photo": "name the emotions in photos, and draw them",
    "video": "follow the emotions in a video: a new video, a table, a summary",
    "live": "serve the live page with the camera",
    "serve": "answer pictures over HTTP",
    "sweep": "run many trainings, on one machine or a cluster",
    "evaluate": "judge a network on a folder of pictures",
    "doctor": "check the installation and say what is missing",
}
EXAMPLES = """\
fer-lib photo party.jpg -o party-faces.jpg
fer-lib video talk.mp4 -o talk-faces.mp4 --csv talk.csv
fer-lib live
fer-lib COMMAND --help"""


def script() -> None:
    """Run as a program and exit. Being ended is like Ctrl-C: nothing half-written stays."""
    prepare_streams()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 when all went well, 1 when something was damaged or found wrong, 2 after a sentence about a wrong
        call or input, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if words is None else list(words)
    if not words or words[0] not in COMMANDS:
        return _front_door(words)
    name, *rest = words
    try:
        return import_module(f"fer_lib.cli.{name}").main(rest)
    except KeyboardInterrupt:
        return _complain(name, "interrupted; nothing half-written is left behind", 130)
    except BrokenPipeError:
        # Whoever read our output has had enough, as `head` does. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ModuleNotFoundError, RuntimeError) as error:
        return _complain(name, in_a_sentence(error), 2)


def _front_door(words: list[str]) -> int:
    commands = "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items())
    about = f"See which emotion each face shows: {', '.join(labels.EMOTIONS)}.\n\ncommands:\n{commands}"
    parser = make_parser("", about, EXAMPLES)
    parser.add_argument("--version", action="version", version=f"fer-lib {_version()}")
    parser.add_argument("command", nargs="?", help="one of the above")
    command = parser.parse_known_args(words)[0].command
    if command is None:
        parser.print_help()
        return 0
    close = get_close_matches(command, COMMANDS, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(COMMANDS)}"
    print(f"fer-lib: `{printable(command)}` is not a command; {hint}", file=sys.stderr)
    return 2


def _version() -> str:
    # The front door is open already; nothing in the house imports it.
    return str(sys.modules[__name__.partition(".")[0]].__dict__["__version__"])


def _complain(name: str, sentence: str, status: int) -> int:
    print(f"fer-lib {name}: {printable(sentence)}", file=sys.stderr)
    return status
