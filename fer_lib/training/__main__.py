"""Train from the shell, on one processor or many.

    python -m fer_lib.training NUM_EPOCHS=2 OPTIMIZER=sgd
    python -m fer_lib.training NUM_EPOCHS=2 PROCESSES=2
    accelerate launch -m fer_lib.training NUM_EPOCHS=2

Whatever is not given comes from the environment, then `.env`, then the defaults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import ArgumentParser, prepare_streams, printable
from fer_lib.training.run import Run


def main(words: list[str]) -> int:
    """Train as the words `NAME=value` say and return the exit status."""
    parser = ArgumentParser(prog="python -m fer_lib.training", description="Train the emotion network.")
    parser.add_argument("settings", nargs="*", metavar="NAME=value", help="any setting of .env.example")
    told = parser.parse_args(words).settings
    return exit_status(lambda: _train(told))


def _train(words: list[str]) -> Run:
    given = TrainingSettings.by_field(dict(parse_setting(word) for word in words))
    settings, sources = TrainingSettings.load(**given), TrainingSettings.sources(**given)
    from fer_lib.training.launch import launch  # torch takes seconds, which a wrong setting need not wait for

    return launch(settings, sources)


def exit_status(train: Callable[[], Run]) -> int:
    """Train, print the run's folder or the error, and return the exit status: 0, 2, or 130 if interrupted."""
    try:
        run = train()
    except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
        print(printable(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last whole epoch", file=sys.stderr)
        return 130
    print(printable(run.folder))
    return 0


def parse_setting(word: str) -> tuple[str, str]:
    """Split `NAME=value` into name and value.

    Raises:
        ValueError: if there is no `=`.
    """
    name, equals, value = word.partition("=")
    if not equals:
        raise ValueError(f"a setting must be given as NAME=value, but got {word!r}")
    return name, value


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
