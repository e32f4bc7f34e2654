"""Train from the shell, on one processor or many.

    python -m fer_lib.training NUM_EPOCHS=2 OPTIMIZER=sgd
    python -m fer_lib.training NUM_EPOCHS=2 PROCESSES=2
    accelerate launch -m fer_lib.training NUM_EPOCHS=2

Whatever is not given comes from the environment, then `.env`, then the defaults.
"""

from __future__ import annotations

import argparse
import sys

from fer_lib.settings import TrainingSettings
from fer_lib.training.launch import launch


def main(words: list[str]) -> int:
    """Train as the words `NAME=value` say and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fer_lib.training", description="Train the emotion network.")
    parser.add_argument("settings", nargs="*", metavar="NAME=value", help="any setting of .env.example")
    try:
        given = dict(parse_setting(word) for word in parser.parse_args(words).settings)
        settings = TrainingSettings.load(**given)
        run = launch(settings, TrainingSettings.sources(**given))
    except (ValueError, FileNotFoundError, RuntimeError, FloatingPointError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last whole epoch", file=sys.stderr)
        return 130
    print(run.folder)
    return 0


def parse_setting(word: str) -> tuple[str, str]:
    """Split `NAME=value` into the field's name and its value.

    Raises:
        ValueError: if there is no `=`.
    """
    name, equals, value = word.partition("=")
    if not equals:
        raise ValueError(f"a setting must be given as NAME=value, but got {word!r}")
    return name.lower(), value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
