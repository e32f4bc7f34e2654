"""Text for terminals: what file names and error messages contain must not control them or stop the program."""

from __future__ import annotations

import io
import sys
import unicodedata

# Control characters, lone surrogates, separators of lines and paragraphs, and invisible characters of format, among
# them those that reverse the direction of text.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # belong to the spelling of some languages, and to emoji


def printable(text: object) -> str:
    r"""Return text with every control character as an escape, such as `\x1b`, `\n` or `\u202e`: always one line.

    Everything that is printed and may contain a file name or what others wrote goes through here. JSON need not: there
    `json.dumps` escapes.
    """
    return "".join(_escape(char) for char in str(text))


def prepare_streams() -> None:
    """Show characters that the encoding of standard output lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _escape(char: str) -> str:
    if unicodedata.category(char) in _ESCAPED and char not in _JOINERS:
        return char.encode("unicode_escape").decode("ascii")
    return char
