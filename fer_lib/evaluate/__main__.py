"""Judge a network from the shell.

    python -m fer_lib.evaluate --weights weights/emotion.onnx --data data/images --split test --json

With `--json` the last line of standard output is one JSON object; without, it is a table for people.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_lib.packages import require
from fer_lib.settings import EvaluationSettings
from fer_lib.terminal import ArgumentParser, prepare_streams, printable


def main(arguments: Sequence[str] | None = None, name: str = "python -m fer_lib.evaluate") -> int:
    """Run the command, which goes by `name` in its help; return 0, or 2 after a sentence about what is wrong."""
    given = _parse(arguments, name)
    try:
        report = _judge(given)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"fer_lib.evaluate: {printable(error)}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(report))
    return 0


def _judge(given: argparse.Namespace) -> dict[str, Any]:
    require("judging a network", "evaluate", sklearn="scikit-learn", tqdm="tqdm")
    if given.photos is not None:
        return _judge_photos(given)
    from fer_lib.evaluate.cards import record_report
    from fer_lib.evaluate.report import evaluate
    from fer_lib.evaluate.table import format_report
    from fer_lib.weights import EMOTION, weights_folder

    settings = EvaluationSettings.load(
        weights=given.weights,
        data_dir=given.data,
        split=given.split,
        max_images=given.max_images,
        ferplus_csv=given.ferplus_csv,
        flip=given.flip or None,
    )
    if given.write_card and (settings.max_images is not None or settings.flip):
        raise ValueError(
            "`--write-card` must speak of all images and of the network as it is used: leave MAX_IMAGES and FLIP out"
        )
    report = evaluate(settings, given.json or not sys.stderr.isatty(), corruptions=given.write_card)
    if given.write_card:
        record_report(settings.weights or weights_folder() / f"{EMOTION}.onnx", report)
    if not given.json:
        head = printable(f"{report['weights']} on the {report['split']} images of {settings.data_dir}")
        print(f"{head}\n\n{format_report(report)}")
    return report


def _judge_photos(given: argparse.Namespace) -> dict[str, Any]:
    from fer_lib.evaluate.photos import evaluate_photos, format_photos

    only = {"--data": given.data, "--split": given.split, "--ferplus-csv": given.ferplus_csv}
    only |= {"--flip": given.flip, "--write-card": given.write_card}
    wrong = [name for name, value in only.items() if value]
    if wrong:
        raise ValueError(
            f"`--photos` evaluates the whole pipeline on photos, without {', '.join(wrong)}: leave that out"
        )
    settings = EvaluationSettings.load(weights=given.weights, max_images=given.max_images)
    quiet = given.json or not sys.stderr.isatty()
    report = evaluate_photos(given.photos, settings.weights, settings.max_images, quiet)
    if not given.json:
        print(f"{printable(f'the pipeline on the photos of {given.photos}')}\n\n{format_photos(report)}")
    return report


def _parse(arguments: Sequence[str] | None, name: str) -> argparse.Namespace:
    parser = ArgumentParser(prog=name, description="Judge a network: how good it is, and how far to trust it.")
    add = parser.add_argument
    add("--weights", type=Path, help="ONNX file, its card beside it (default: the project's own)")
    add("--data", type=Path, help="folder with train/, validation/ and test/ (default: data/images)")
    add("--split", help="train, validation or test (default: test)")
    add("--ferplus-csv", type=Path, help="table of FER+ votes, to compare with what most people see")
    add(
        "--photos",
        type=Path,
        help="folder with one folder of whole photos per label: evaluate detector and network together",
    )
    add("--max-images", help="use only so many images per split, for a quick try")
    add("--flip", action="store_true", help="average the answers to each image and to its mirror image")
    add(
        "--write-card",
        action="store_true",
        help="measure robustness too, and write all metrics into the card and its page (README.md beside it)",
    )
    add("--json", action="store_true", help="print one JSON object on the last line instead of a table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
