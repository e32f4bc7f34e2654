"""The command line grammar of every command: `--num-epochs 2`, `--num-epochs=2` and `NUM_EPOCHS=2` are the same.

A command declares its options with `add_argument` and its groups of settings with `add_settings`. A setting that is
not on the command line comes from the environment, then `.env`, then its default.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NoReturn, get_args, get_origin

from fer_lib.settings import names
from fer_lib.settings.base import PREFIX, PROJECT, Settings
from fer_lib.terminal import printable

PRECEDENCE = """\
Options with a value can also be written NAME=value, for example {example}. An option with {{true,false}} is true
without a value, and false as --no-NAME. Settings that are not on the command line come from the environment, then
.env, then the defaults below."""
INTERRUPTED = "interrupted; no partial output files remain"
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})
_METAVARS = {int: "N", float: "X", Path: "PATH", bool: "{true,false}"}
_DEST = "setting:"


class CommandParser(argparse.ArgumentParser):
    """An argument parser that also reads `NAME=value`, and whose errors are one line with the nearest known name."""

    def __init__(self, prog: str, description: str | None, examples: str = "", positionals: str = "") -> None:
        """Create the parser.

        Args:
            prog: the name of the command, for help and errors.
            description: what the command does.
            examples: command lines, one a line.
            positionals: the positional arguments as the usage line shows them.
        """
        lines = "\n".join(f"  {line}" for line in examples.splitlines())
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"examples:\n{lines}" if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._synopsis = positionals
        self._setting_groups: list[tuple[type[Settings], str]] = []  # with the prefix of their options
        self._switches: dict[str, str] = {}

    def add_settings(
        self,
        group: type[Settings],
        title: str,
        sections: Mapping[str, Sequence[str]] | None = None,
        aliases: Mapping[str, str] | None = None,
        prefix: str = "",
    ) -> None:
        """Add one option for each setting of `group`.

        Args:
            group: the settings.
            title: the heading of the options in the help.
            sections: fields by further headings, for a large group; the other fields stay under `title`.
            aliases: short forms of options by field, such as `--data` for `data_dir`.
            prefix: what the options and the returned settings begin with, such as `remote_`, beside other groups.
        """
        sections = sections or {}
        listed = {field for fields in sections.values() for field in fields}
        first = [field for field in group.model_fields if field not in listed]
        for heading, fields in {title: first, **sections}.items():
            section = self.add_argument_group(heading)
            for field in fields:
                self._add_setting(section, group, field, (aliases or {}).get(field), prefix)
        if not self._setting_groups:
            example = next(iter(group.model_fields))
            text = PRECEDENCE.format(example=f"{example.upper()}={_default_text(group, example)}")
            self.description = f"{self.description}\n\n{text}"
        self._setting_groups.append((group, prefix))
        self.usage = " ".join(filter(None, ["%(prog)s", self._synopsis, "[options] [NAME=value ...]"]))

    def parse_words(self, words: Sequence[str] | None = None) -> tuple[argparse.Namespace, dict[str, str]]:
        """Return the arguments, and the settings on the command line by field; exit with status 2 after an error.

        A word `NAME=value` with an unknown name is returned as a setting where the command has one group of settings, whose
        `load` then rejects it. It is a positional argument if a file of that name exists.
        """
        rewritten, unknown = self._rewrite(list(sys.argv[1:] if words is None else words))
        values = vars(self.parse_intermixed_args(rewritten))
        settings = {name.removeprefix(_DEST): values.pop(name) for name in list(values) if name.startswith(_DEST)}
        return argparse.Namespace(**values), unknown | settings

    def error(self, message: str) -> NoReturn:
        """Print one line that names the command and the error, and exit with status 2."""
        print(f"{self.prog}: {printable(message)}; `{self.prog} --help` lists the options", file=sys.stderr)
        sys.exit(2)

    def _add_setting(self, section: Any, group: type[Settings], field: str, alias: str | None, prefix: str) -> None:
        info = group.model_fields[field]
        option = _option(prefix, field)
        options = [option, *([alias] if alias else [])]
        metavar = _metavar(info.annotation)
        allowed = f"; {group.allowed(field)}" if metavar in ("N", "X") else ""  # elsewhere the metavar implies it
        text = f"{info.description} (default: {_default_text(group, field)}{allowed})"
        section.add_argument(
            *options,
            dest=f"{_DEST}{prefix}{field}",
            default=argparse.SUPPRESS,
            metavar=metavar,
            help=text.replace("%", "%%"),
        )
        if info.annotation is bool:
            self._switches |= {f"--{name}{option[2:]}": option for name in ("", "no-")}

    def _rewrite(self, words: list[str]) -> tuple[list[str], dict[str, str]]:
        """Return the words with each setting as `--name=value`, and the unknown settings."""
        rewritten: list[str] = []
        unknown: dict[str, str] = {}
        while words:
            word = words.pop(0)
            if word == "--":
                return [*rewritten, word, *words], unknown
            option, equals, value = word.partition("=")
            name = self._option_of(option) if equals else None
            if word in self._switches:
                rewritten.append(f"{self._switches[word]}={self._switch_value(word, words)}")
            elif word.startswith("-"):
                self._check_option(option)
                rewritten.append(word)
                rewritten += [words.pop(0) for _ in range(min(self._count_values(word), len(words)))]
            elif name and not self._is_file(word):
                rewritten.append(f"{name}={value}")
            elif equals and self._is_unknown_setting(option, word):
                unknown[option] = value
            else:
                rewritten.append(word)
        return rewritten, unknown

    def _switch_value(self, word: str, following: list[str]) -> str:
        if word not in self._option_string_actions:  # --no-name
            return "false"
        return following.pop(0) if following and following[0].lower() in _BOOLEANS else "true"

    def _count_values(self, word: str) -> int:
        """Return how many of the words after an option belong to it."""
        action = self._option_string_actions.get(word)
        if action is None:
            return 0
        return 1 if action.nargs is None else action.nargs if isinstance(action.nargs, int) else 0

    def _check_option(self, option: str) -> None:
        known = [name for name in self._option_string_actions if name.startswith("--")]
        if option.startswith("--") and option not in known:
            self.error(f"unknown option `{option}`{_hint(option, [*known, *self._switches])}")

    def _option_of(self, name: str) -> str | None:
        """Return the option that `name` in `NAME=value` stands for; lower case counts where no files are expected."""
        if self._takes_files and name != name.upper():
            return None
        option = f"--{name.lower().replace('_', '-')}"
        if option in self._option_string_actions and self._count_values(option):
            return option
        found = ((prefix, names.find_field(group, name)) for group, prefix in self._setting_groups)
        return next((_option(prefix, field) for prefix, field in found if field), None)

    def _is_unknown_setting(self, name: str, word: str) -> bool:
        if not self._setting_groups or not re.fullmatch("[A-Z][A-Z0-9_]*" if self._takes_files else r"\w+", name):
            return False
        if self._is_file(word):
            return False
        if len(self._setting_groups) > 1 and not any(group.owns(name) for group, _ in self._setting_groups):
            known = [
                f"{prefix}{field}".upper() for group, prefix in self._setting_groups for field in group.model_fields
            ]
            self.error(f"unknown setting `{name}`{_hint(name.removeprefix(PREFIX), known)}")
        return True

    def _is_file(self, word: str) -> bool:
        return self._takes_files and os.path.exists(word)  # also False for names that no file can have

    @property
    def _takes_files(self) -> bool:
        return any(not action.option_strings for action in self._actions)


def run_command(prog: str, command: Callable[[], int], interrupted: str = INTERRUPTED) -> int:
    """Run a command and return its exit status; print errors of the input as one line that begins with `prog`.

    Returns:
        the status of `command`, 2 after an error, 130 after Ctrl-C.
    """
    try:
        return command()
    except KeyboardInterrupt:
        status, sentence = 130, interrupted
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed it. Python would report the same again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ModuleNotFoundError, RuntimeError, FloatingPointError) as error:
        status, sentence = 2, error_text(error)
    print(f"{prog}: {printable(sentence)}", file=sys.stderr)
    return status


def error_text(error: BaseException) -> str:
    """Return the message of an error; for an error of the operating system, the file and the reason."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'} can't be used: {error.strerror.lower()}"
    return str(error) or type(error).__name__


def _option(prefix: str, field: str) -> str:
    return f"--{prefix}{field}".replace("_", "-")


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def _metavar(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "{" + ",".join(get_args(annotation)) + "}"
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
    return _METAVARS.get(kinds[0], "TEXT")


def _default_text(group: type[Settings], field: str) -> str:
    value = group.model_fields[field].default
    if isinstance(value, Path) and value.is_relative_to(PROJECT):
        return value.relative_to(PROJECT).as_posix()
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value in (None, "") else str(value)
