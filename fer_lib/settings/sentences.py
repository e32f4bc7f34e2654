"""Error messages of settings: name, allowed values, invalid value, its source, suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Set
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from fer_lib.settings.names import Group, variable

_TYPES = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "text"}
_BOUNDS = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below", "pattern": "matching"}
_SOURCES = {"environment": " from the environment", ".env": " from .env"}


def wrong_value(group: Group, detail: Any, origins: Mapping[str, str]) -> str:
    """Return the message for one error of a `ValidationError`; `origins` is the source of each field."""
    field = str(detail["loc"][0])
    source = origins.get(field, "parameter")
    # Command lines and notebooks use the names without prefix.
    name = field.upper() if group.reads_bare_names and source == "parameter" else variable(group, field)
    info = group.model_fields[field]
    where = _SOURCES.get(source, "")
    return f"`{name}` must be {allowed_values(info)}, but got {detail['input']!r:.200}{where} ({info.description})"


def unknown_name(name: str, known: Set[str], kind: str) -> str:
    """Return the message for a name that is not in `known`, with the most similar one as a suggestion."""
    by_lower_case = {one.lower(): one for one in known}
    similar = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    hint = f"did you mean `{by_lower_case[similar[0]]}`?" if similar else f"known are {', '.join(sorted(known))}"
    return f"`{name}` is not a known {kind}; {hint}"


def allowed_values(info: Any) -> str:
    """Return a description of the allowed values of a field, from its type and bounds."""
    types = [one for one in get_args(info.annotation) or (info.annotation,) if one is not NoneType]
    if get_origin(info.annotation) is Literal:
        *most, last = (repr(value) for value in types)
        return f"{', '.join(most)} or {last}"
    bounds = {
        bound: value for rule in info.metadata for bound in _BOUNDS if (value := getattr(rule, bound, None)) is not None
    }
    if bounds.keys() == {"ge", "le"}:
        return f"{_TYPES[types[0]]} from {bounds['ge']} to {bounds['le']}"
    return " ".join(
        [_TYPES[types[0]], " and ".join(f"{_BOUNDS[bound]} {value}" for bound, value in bounds.items())]
    ).strip()
