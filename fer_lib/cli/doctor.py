"""`fer-lib doctor`: check the installation."""

from __future__ import annotations

import json
import textwrap
from itertools import groupby

from fer_lib.command_line import CommandParser
from fer_lib.doctor import CheckResult, as_dict, check_installation
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

ABOUT = """\
Check package versions, the weights and their SHA-256, the Jupyter extensions of the live page and the access to
cameras, and measure the run time of each stage. Exits with 1 if a check failed."""
EXAMPLES = """\
fer-lib doctor
fer-lib doctor --json > report.json"""
MARKS = {True: "ok", False: "!!", None: "  "}


def main(words: list[str], prog: str = "fer-lib doctor") -> int:
    """Run the command and return the exit status."""
    parser = CommandParser(prog, ABOUT, EXAMPLES)
    parser.add_argument("--json", action="store_true", help="print one JSON object, for a bug report")
    parser.add_settings(VisionSettings, "settings of detection, tracking and classification")
    arguments, given = parser.parse_words(words)
    results = check_installation(VisionSettings.load(**given))
    report = as_dict(results)
    print(json.dumps(report) if arguments.json else format_results(results))
    return 0 if report["ok"] else 1


def format_results(results: list[CheckResult]) -> str:
    """Return the results as text, one paragraph per topic; the last line names the failed checks."""
    paragraphs = []
    for topic, group in groupby(results, key=lambda result: result.topic):
        paragraphs.append("\n".join([topic, *(_format_line(result) for result in group)]))
    failed = [result.name for result in results if result.ok is False]
    paragraphs.append(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return "\n\n".join(paragraphs)


def _format_line(result: CheckResult) -> str:
    head = f"  {MARKS[result.ok]} {printable(result.name):<36} "
    return textwrap.fill(
        printable(result.message), 118, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
