"""Names of settings: environment variables with and without prefix, `NAME=value` words, retired names."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic_settings import BaseSettings

from fer_lib.settings.retired import RETIRED, Retired

PREFIX = "FER_"

logger = logging.getLogger(__name__)


class NamedSettings(BaseSettings):
    """Base class of a group of settings with the naming rules of its environment variables.

    Attributes:
        unprefixed: fields whose environment variable has no prefix.
        reads_bare_names: whether variables without the prefix are still accepted for the other fields, with a warning.
    """

    unprefixed: ClassVar[frozenset[str]] = frozenset()
    reads_bare_names: ClassVar[bool] = False


Group = type[NamedSettings]


def variable(group: Group, field: str) -> str:
    """Return the name of the environment variable of `field`."""
    return field.upper() if field in group.unprefixed else prefixed(group, field)


def prefixed(group: Group, field: str) -> str:
    """Return the name of the environment variable of `field` with the prefix of the group."""
    return f"{group.model_config.get('env_prefix', '')}{field}".upper()


def find_field(group: Group, name: str) -> str | None:
    """Return the field of a name in any form: `FER_SERVICE_PORT`, `SERVICE_PORT`, `PORT` and `port` are the same; else `None`."""
    return next((form for form in _short_forms(group, name) if form in group.model_fields), None)


def find_retired(group: Group, name: str) -> Retired | None:
    """Return the entry of a retired name in any form that `find_field` accepts; `None` if it is not retired."""
    forms = _short_forms(group, name)
    for key, retired in _retired(group).items():
        if not forms.isdisjoint(_short_forms(group, key)):
            return retired
    return None


def known_variables(groups: Iterable[Group]) -> set[str]:
    """Return the names of all accepted environment variables, including retired ones and those without prefix."""
    known: set[str] = set()
    for group in groups:
        fields = [prefixed(group, field) for field in group.model_fields]
        known.update(fields, _retired(group), (field.upper() for field in group.unprefixed))
        if group.reads_bare_names:
            known.update(_bare(group, name) for name in (*fields, *_retired(group)))
    return known


def select(group: Group, found: Mapping[str, str | None], source: str) -> dict[str, str]:
    """Select the values of a group from variables of the environment or of `.env`, by prefixed name in lower case.

    Args:
        group: names with prefix have precedence over those without, these over retired ones.
        found: variables in upper or lower case; empty ones count as absent.
        source: "environment" or ".env", for the log.
    """
    values = {name.upper(): value for name, value in found.items() if value}
    selected: dict[str, Any] = {}
    bare: dict[str, str] = {}
    for field in group.model_fields:
        name = prefixed(group, field)
        if name in values:
            selected[field] = values[name]
        elif (field in group.unprefixed or group.reads_bare_names) and field.upper() in values:
            selected[field] = values[field.upper()]
            bare |= {} if field in group.unprefixed else {field.upper(): name}
    if bare:
        where = "`.env`" if source == ".env" else "the environment"
        _log_once(
            f"{_quoted(bare)} in {where} must get the prefix FER_, because the next version requires it: use {_quoted(bare.values())}"
        )
    retired = {name: value for name, value in values.items() if name in _variables_of_retired(group)}
    selected = replace_retired(group, retired) | selected
    return {prefixed(group, field).lower(): str(value) for field, value in selected.items()}


def replace_retired(group: Group, values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace retired names by the current fields, and leave removed settings out.

    A warning is logged for each retired name, except for removed settings with their default.
    """
    current: dict[str, Any] = {}
    for name, value in values.items():
        retired = None if name in group.model_fields else find_retired(group, name)
        if retired is None:
            current[name] = value
        elif retired.replacement is None:
            if value is not None and str(value).lower() != str(retired.default).lower():
                _log_once(f"`{name.upper()}` was removed and has no effect; delete it")
        elif value is not None:
            new = variable(group, retired.replacement)
            _log_once(f"`{name.upper()}` was renamed to `{new}`; this version is the last that accepts the old name")
            current.setdefault(retired.replacement, _convert(value, retired.factor))
    return current


@functools.cache
def _retired(group: Group) -> dict[str, Retired]:
    entries = RETIRED.get(group.__name__, {})
    return {name: entry for name, entry in entries.items() if find_field(group, name) is None}


def _variables_of_retired(group: Group) -> set[str]:
    names = set(_retired(group))
    return names | {_bare(group, name) for name in names} if group.reads_bare_names else names


def _short_forms(group: Group, name: str) -> set[str]:
    """Return a name in lower case, with and without each of its possible prefixes."""
    whole = prefixed(group, "").lower()
    lower = name.lower()
    return {
        lower,
        *(lower.removeprefix(start) for start in (PREFIX.lower(), whole, whole.removeprefix(PREFIX.lower()))),
    }


def _bare(group: Group, name: str) -> str:
    return name.removeprefix(prefixed(group, ""))


def _convert(value: Any, factor: float | None) -> Any:
    if factor is None:
        return value
    try:
        return float(value) * factor
    except (TypeError, ValueError):
        return value  # rejected by the validation of the settings


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


@functools.cache
def _log_once(message: str) -> None:
    logger.warning("%s", message)
