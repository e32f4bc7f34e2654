"""Evaluate weights on labelled images.

    fer-lib evaluate --weights weights/emotion.onnx --data data/images --split test --json

`fer-lib evaluate` and `python -m fer_lib.evaluate` are the same command. With `--json` the last line of standard
output is one JSON object; without it, a table is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_lib.command_line import CommandParser, run_command
from fer_lib.optional_packages import require
from fer_lib.settings.evaluation import EvaluationSettings
from fer_lib.terminal import prepare_streams, printable

ABOUT = """\
Evaluate weights on the images of one split: accuracy with confidence interval, balanced accuracy, macro-F1, calibration,
robustness. With --photos, evaluate the whole pipeline (detector and classifier) on photos."""
EXAMPLES = """\
fer-lib evaluate
fer-lib evaluate --weights runs/NAME/emotion.onnx --data data/images --split test
fer-lib evaluate MAX_IMAGES=100 --json
fer-lib evaluate --photos photos/"""


def main(words: Sequence[str] | None = None, prog: str = "python -m fer_lib.evaluate") -> int:
    """Run the command, named `prog` in help and errors, and return the exit status."""
    parser = CommandParser(prog, ABOUT, EXAMPLES)
    add = parser.add_argument
    add("--photos", type=Path, metavar="PATH", help="folder with one folder of photos per label")
    add(
        "--write-card",
        action="store_true",
        help="also measure corruptions, and write all metrics into the model card and its page (README.md beside it)",
    )
    add("--json", action="store_true", help="print one JSON object on the last line instead of a table")
    parser.add_settings(EvaluationSettings, "settings of the evaluation", aliases={"data_dir": "--data"})
    arguments, given = parser.parse_words(words)

    def evaluate() -> int:
        require("the evaluation", "evaluate", sklearn="scikit-learn", tqdm="tqdm")
        report = (_evaluate_images if arguments.photos is None else _evaluate_photos)(arguments, given)
        if arguments.json:
            print(json.dumps(report))
        return 0

    return run_command(prog, evaluate)


def _evaluate_images(arguments: argparse.Namespace, given: dict[str, str]) -> dict[str, Any]:
    from fer_lib.evaluate.model_card.record import record_report
    from fer_lib.evaluate.report import evaluate
    from fer_lib.evaluate.text_report import format_report
    from fer_lib.weights import EMOTION, weights_folder

    settings = EvaluationSettings.load(**given)
    if arguments.write_card and (settings.max_images is not None or settings.flip):
        raise ValueError(
            "`--write-card` must be used with all images and without test-time augmentation: leave MAX_IMAGES and FLIP out"
        )
    report = evaluate(settings, arguments.json or not sys.stderr.isatty(), corruptions=arguments.write_card)
    if arguments.write_card:
        record_report(settings.weights or weights_folder() / f"{EMOTION}.onnx", report)
    if not arguments.json:
        head = printable(f"{report['weights']} on the {report['split']} images of {settings.data_dir}")
        print(f"{head}\n\n{format_report(report)}")
    return report


def _evaluate_photos(arguments: argparse.Namespace, given: dict[str, str]) -> dict[str, Any]:
    from fer_lib.evaluate.photos import evaluate_photos, format_photos

    wrong = [f"--{name.lower().replace('_', '-')}" for name in given if name not in ("weights", "max_images")]
    wrong += ["--write-card"] if arguments.write_card else []
    if wrong:
        raise ValueError(f"`--photos` must be used without {', '.join(wrong)}")
    settings = EvaluationSettings.load(**given)
    quiet = arguments.json or not sys.stderr.isatty()
    report = evaluate_photos(arguments.photos, settings.weights, settings.max_images, quiet)
    if not arguments.json:
        print(f"{printable(f'pipeline on the photos of {arguments.photos}')}\n\n{format_photos(report)}")
    return report


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
