"""`fer-lib doctor`: is everything in place?"""

from __future__ import annotations

import json
import textwrap
from itertools import groupby

from fer_lib.cli.parsing import make_parser, split_settings
from fer_lib.doctor import Finding, as_dict, examine
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

ABOUT = """\
Check versions, the weights and their checksums, the extensions of the live page and what can be said of the
camera, and time each stage quickly. Exits with 1 if something is wrong."""
EXAMPLES = """\
fer-lib doctor
fer-lib doctor --json > report.json"""
MARKS = {True: "ok", False: "!!", None: "  "}


def main(words: list[str]) -> int:
    """Run the command and return the exit status."""
    parser = make_parser("doctor", ABOUT, EXAMPLES, settings=True)
    parser.add_argument("words", nargs="*", metavar="NAME=value", help="settings")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for a bug report")
    given = parser.parse_intermixed_args(words)
    rest, settings = split_settings(given.words)
    if rest:
        parser.error(f"unexpected `{rest[0]}`")
    findings = examine(VisionSettings.load(**settings))
    report = as_dict(findings)
    print(json.dumps(report) if given.json else in_words(findings))
    return 0 if report["ok"] else 1


def in_words(findings: list[Finding]) -> str:
    """Return the findings as text, a paragraph a topic, and what is wrong once more in the last line."""
    parts = []
    for about, some in groupby(findings, key=lambda one: one.about):
        parts.append("\n".join([about, *(_line(one) for one in some)]))
    wrong = [one.name for one in findings if one.ok is False]
    parts.append(f"wrong: {', '.join(wrong)}" if wrong else "all is well")
    return "\n\n".join(parts)


def _line(one: Finding) -> str:
    head = f"  {MARKS[one.ok]} {printable(one.name):<36} "
    return textwrap.fill(
        printable(one.says), 118, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
