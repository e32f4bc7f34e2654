"""How every benchmark tells what it measured: a table for people, one JSON object for programs, a picture for both."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options that all benchmarks share."""
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line of its own")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures too (.svg, .png or .pdf)")


def report(
    arguments: argparse.Namespace,
    measured: dict[str, Any],
    describe: Callable[[dict[str, Any]], str],
    draw: Callable[[dict[str, Any]], Figure],
) -> None:
    """Print the table, and what else was asked for.

    Args:
        arguments: as parsed, with the options of `add_reporting`.
        measured: the figures; names that begin with an underscore are only for the picture.
        describe: makes the table.
        draw: makes the picture.
    """
    print(describe(measured))
    if arguments.plot is not None:
        arguments.plot.parent.mkdir(parents=True, exist_ok=True)
        draw(measured).savefig(arguments.plot, bbox_inches="tight")
        print(f"\nThe picture is {arguments.plot}.")
    if arguments.json:
        print(json.dumps({name: value for name, value in measured.items() if not name.startswith("_")}))
