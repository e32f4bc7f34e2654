"""Output of benchmarks and stress tests: a table, one JSON object, and a plot."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options `--json` and `--plot`."""
    add_json(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot (.svg, .png or .pdf)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option `--json`."""
    parser.add_argument("--json", action="store_true", help="print the results as one JSON object on the last line")


def report(
    arguments: argparse.Namespace,
    measured: dict[str, Any],
    format_table: Callable[[dict[str, Any]], str],
    draw: Callable[[dict[str, Any]], Figure],
) -> None:
    """Print the table; write the plot and print the JSON object if their options were given.

    Args:
        arguments: parsed arguments with the options of `add_reporting`.
        measured: results; names that begin with an underscore are for the plot only.
        format_table: returns the table as text.
        draw: returns the plot.
    """
    print(format_table(measured))
    if arguments.plot is not None:
        arguments.plot.parent.mkdir(parents=True, exist_ok=True)
        draw(measured).savefig(arguments.plot, bbox_inches="tight")
        print(f"\nwrote {arguments.plot}")
    print_json(arguments, {name: value for name, value in measured.items() if not name.startswith("_")})


def print_json(arguments: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Print the results as one line of JSON if `--json` was given."""
    if arguments.json:
        print(json.dumps(measured))
