"""How a training that was asked for in the shell ends: with its folder, or with a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fer_lib.terminal import printable
from fer_lib.training.run import Run


def tell_end(work: Callable[[], Run]) -> int:
    """Train, print the run's folder or what went wrong, and return the exit status."""
    try:
        run = work()
    except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
        print(printable(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last whole epoch", file=sys.stderr)
        return 130
    print(printable(run.folder))
    return 0
