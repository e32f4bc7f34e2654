"""Print .env.example: every setting with its description, its range and its default.

`.venv/bin/python .ci/env_example.py > .env.example` updates the file after a change in fer_lib/settings/.
"""

from pathlib import Path
from typing import Any

from fer_lib.settings import GROUPS, Settings, TrainingSettings
from fer_lib.settings.base import PROJECT
from fer_lib.settings.training import USUAL

HEADER = """\
# Copy this file to `.env` and change values there. A value comes from the first source that has it: a parameter of the
# notebook, the environment, `.env`, the default. The values in this file are the defaults.
"""


def example() -> str:
    """Return the text of .env.example; the eight usual training settings are set, the others commented out."""
    rest = tuple(field for field in TrainingSettings.model_fields if field not in USUAL)
    parts = [
        HEADER,
        section("Training", TrainingSettings, USUAL, ""),
        section("Further training settings: remove the # before a name to change it", TrainingSettings, rest, "#"),
    ]
    named = {TrainingSettings.variable(field) for field in TrainingSettings.model_fields}
    for group in GROUPS:
        fields = tuple(field for field in group.model_fields if group.variable(field) not in named)
        title = (group.__doc__ or "").split(".")[0]
        parts += [section(title, group, fields, "#")] if fields else []
        named |= {group.variable(field) for field in fields}
    return "\n".join(parts)


def section(title: str, group: type[Settings], fields: tuple[str, ...], mark: str) -> str:
    """Return the lines of some settings of one group, each below its description and its allowed values."""
    lines = [f"# == {title} ==", ""]
    for field in fields:
        info = group.model_fields[field]
        lines += [f"# {info.description} ({group.allowed(field)})"]
        lines += [f"{mark}{group.variable(field)}={_written(info.default)}"]
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path) and value.is_relative_to(PROJECT):
        return value.relative_to(PROJECT).as_posix()
    return "" if value is None else str(value)


if __name__ == "__main__":
    print(example(), end="")
