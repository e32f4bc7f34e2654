"""Base class of the groups of settings: loading from arguments, environment and `.env`, and validation of one value.

Precedence of the sources: argument (in a notebook: papermill parameter), environment, nearest `.env` file, default. Only `load`
and `sources` read the environment and `.env`, neither import nor constructors do.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fer_lib.settings import names, sources
from fer_lib.settings.sentences import allowed_values, unknown_name, wrong_value

PREFIX = names.PREFIX
PROJECT = Path(__file__).parent.parent.parent


class Settings(names.NamedSettings):
    """A group of settings: immutable, validated, loaded from several sources."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, validate_default=True, env_ignore_empty=True, env_file_encoding="utf-8"
    )

    @classmethod
    def load(cls, **arguments: Any) -> Self:
        """Resolve all settings of this group; an argument of `None` is ignored.

        Raises:
            ValueError: if a value or a name is invalid; the message contains it and what is allowed.
        """
        given = cls._given(arguments)
        for name in given.keys() - cls.model_fields.keys():
            raise ValueError(unknown_name(name, set(cls.model_fields), "setting"))
        groups = Settings.__subclasses__()
        current = {group.variable(field) for group in groups for field in group.model_fields}
        sources.check_names(names.known_variables(groups), current)
        dotenv, environment = sources.read_dotenv(cls), sources.read_environment(cls)
        try:
            return cls.model_validate({**dotenv, **environment, **given})
        except ValidationError as error:
            origins = _origins(cls, dotenv, environment, given)
            raise ValueError("; ".join(wrong_value(cls, one, origins) for one in error.errors())) from None

    @classmethod
    def sources(cls, **arguments: Any) -> dict[str, str]:
        """Return the source of each setting in `load(**arguments)`: "parameter", "environment", ".env" or "default"."""
        given = cls._given(arguments)
        return _origins(cls, sources.read_dotenv(cls), sources.read_environment(cls), given)

    @classmethod
    def validate_value(cls, field: str, value: Any) -> Any:
        """Validate one value against the type and constraints of `field`, and return it converted.

        Neither the environment nor a file is read and no validator of the class runs, so that values of frequent messages
        can be validated.

        Raises:
            ValueError: if the value is not allowed; the message contains what is.
        """
        try:
            return _value_adapter(cls, field).validate_python(value)
        except ValidationError as error:
            detail = {**error.errors()[0], "loc": (field,)}
            raise ValueError(wrong_value(cls, detail, {})) from None

    @classmethod
    def parameters(cls, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Select this group's settings from the variables of a notebook, where their names are in upper case."""
        return {field: variables.get(field.upper()) for field in cls.model_fields}

    @classmethod
    def by_field(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of `NAME=value` words by field: `FER_TRAIN_SEED`, `SEED` and `seed` are the same setting.

        Other names are only converted to lower case; `load` rejects them unless they are retired.
        """
        return {names.find_field(cls, name) or name.lower(): value for name, value in words.items()}

    @classmethod
    def owns(cls, name: str) -> bool:
        """Return whether a name, in any form that `by_field` accepts, is a current or retired setting of this group."""
        return names.find_field(cls, name) is not None or names.find_retired(cls, name) is not None

    @classmethod
    def current(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Convert values by field that an earlier version recorded to the current names.

        Removed settings are left out; a warning is logged for each whose value was not the default.
        """
        return names.replace_retired(cls, values)

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable of `field`."""
        return names.variable(cls, field)

    @classmethod
    def allowed(cls, field: str) -> str:
        """Return a description of the values that `field` allows."""
        return allowed_values(cls.model_fields[field])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Restrict constructors to their arguments; `load` reads the other sources, after checking their names."""
        return (init_settings,)

    @classmethod
    def _given(cls, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in cls.current(arguments).items() if value is not None}


def locate(path: Path | None) -> Path | None:
    """Resolve a relative path against the working directory if it exists there, else against the project's folder."""
    return path if path is None or path.is_absolute() or path.exists() else PROJECT / path


def _origins(group: type[Settings], dotenv: Any, environment: Any, given: Any) -> dict[str, str]:
    origins = dict.fromkeys(group.model_fields, "default") | dict.fromkeys(dotenv, ".env")
    return origins | dict.fromkeys(environment, "environment") | dict.fromkeys(given, "parameter")


@functools.cache
def _value_adapter(group: type[Settings], field: str) -> TypeAdapter[Any]:
    info = group.model_fields[field]
    return TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
