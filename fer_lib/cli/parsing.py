"""What the commands have in common: help with examples, short errors, settings as NAME=value."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from fer_lib.settings.base import PREFIX
from fer_lib.terminal import printable

SETTINGS = """\
settings:
  NAME=value words set what .env.example lists, for example MIN_FACE_SIZE=30; else the environment and
  .env are asked."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 2."""
        print(f"{self.prog}: {printable(message)}; `{self.prog} --help` shows how", file=sys.stderr)
        sys.exit(2)


def make_parser(command: str, about: str, examples: str, settings: bool = False) -> Parser:
    """Return the parser of a command.

    Args:
        command: its name; empty for `fer-lib` itself.
        about: what it does.
        examples: one a line.
        settings: whether it takes NAME=value words.
    """
    lines = "\n".join(f"  {line}" for line in examples.splitlines())
    parts = [*([SETTINGS] if settings else []), f"examples:\n{lines}"]
    return Parser(
        prog=f"fer-lib {command}".strip(),
        description=about,
        epilog="\n\n".join(parts),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def split_settings(words: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Part plain words from settings; `NAME=value` is one unless a file has this name.

    Returns:
        The plain words, and the settings by field: `FER_MIN_FACE_SIZE=30` and `MIN_FACE_SIZE=30` mean the same.
    """
    plain, settings = [], {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and re.fullmatch(r"[A-Z][A-Z0-9_]*", name) and not Path(word).exists():
            settings[name.removeprefix(PREFIX).lower()] = value
        else:
            plain.append(word)
    return plain, settings


def in_a_sentence(error: BaseException) -> str:
    """Say what went wrong, the system's own errors included."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'} can't be used: {error.strerror.lower()}"
    return str(error) or type(error).__name__
