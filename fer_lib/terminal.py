"""Escape text for terminals, so that file names and error messages send no control sequences and raise no error."""

from __future__ import annotations

import io
import sys
import unicodedata

# Unicode categories: control and format characters (among them those that reverse the direction of text), surrogates,
# separators of lines and paragraphs.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # used in the spelling of some languages, and in emoji


def printable(text: object) -> str:
    r"""Return text on one line, with every control character as an escape such as `\x1b`, `\n` or `\u202e`.

    Use it for all printed text that may contain a file name or untrusted text. JSON does not need it: `json.dumps`
    escapes.
    """
    return "".join(_escape(char) for char in str(text))


def prepare_streams() -> None:
    """Print characters that the encoding of standard output or standard error lacks as escapes, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _escape(char: str) -> str:
    if unicodedata.category(char) in _ESCAPED and char not in _JOINERS:
        return char.encode("unicode_escape").decode("ascii")
    return char
