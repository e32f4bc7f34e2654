"""How every benchmark tells what it measured: a table for people, one JSON object for programs, a picture for both."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options of a benchmark that can draw what it measured."""
    add_json(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures too (.svg, .png or .pdf)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that all benchmarks and faults share."""
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line of its own")


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
    print_json(arguments, {name: value for name, value in measured.items() if not name.startswith("_")})


def print_json(arguments: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print `measured` on one line if `--json` was given."""
    if arguments.json:
        print(json.dumps(measured))
