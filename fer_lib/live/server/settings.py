"""Loading of settings in the server, where a wrong value must not stop it."""

from __future__ import annotations

from typing import TypeVar

from fer_lib.settings.base import Settings

SomeSettings = TypeVar("SomeSettings", bound=Settings)


def load_or_default(kind: type[SomeSettings]) -> SomeSettings:
    """Load settings, or return the defaults if a value is invalid: the notebook then fails and logs the reason."""
    try:
        return kind.load()
    except ValueError:
        return kind.model_construct()
