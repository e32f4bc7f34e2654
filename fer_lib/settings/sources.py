"""The environment and the nearest `.env` file as sources of settings."""

from __future__ import annotations

import os
from collections.abc import Set
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from fer_lib.settings.names import PREFIX, Group, select
from fer_lib.settings.sentences import unknown_name


def read_environment(group: Group) -> dict[str, Any]:
    """Read the values of a group from the environment, by field."""
    source = EnvSettingsSource(group)
    source.env_vars = select(group, source.env_vars, "environment")
    return source()


def read_dotenv(group: Group) -> dict[str, Any]:
    """Read the values of a group from the nearest `.env`, by field."""
    source = DotEnvSettingsSource(group, env_file=find_dotenv())
    source.env_vars = select(group, source.env_vars, ".env")
    return source()


def check_names(known: Set[str], current: Set[str]) -> None:
    """Reject unknown names among the environment variables with the prefix `FER_` and all names in `.env`.

    Args:
        known: accepted names.
        current: those of them that are suggested instead of an unknown one.

    Raises:
        ValueError: if one is unknown, or a line of `.env` is malformed.
    """
    prefixed = [name for name in os.environ if name.upper().startswith(PREFIX)]
    for names, kind in ((prefixed, "environment variable"), (_names_in_dotenv(), "name in .env")):
        for name in names:
            if name.upper() not in known:
                raise ValueError(unknown_name(name, current, kind))


def find_dotenv() -> Path | None:
    """Return the nearest `.env`, searched from the working directory upwards to the root of the project around it."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / ".env").is_file():
            return folder / ".env"
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            break
    return None


def _names_in_dotenv() -> list[str]:
    path = find_dotenv()
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise ValueError(
            f"line {line} of {path} must be UTF-8 text, but has the byte 0x{byte:02x}; save it as UTF-8"
        ) from None
    names = []
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            line, found = binding.original.line, binding.original.string.strip()
            raise ValueError(f"line {line} of {path} must be NAME=value, but got {found!r}")
        if binding.key and binding.value:
            names.append(binding.key)
    return names
