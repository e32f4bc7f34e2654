"""Loading of settings in the server, which an invalid value must not stop."""

from __future__ import annotations

from typing import TypeVar

from fer_lib.settings.base import Settings

SomeSettings = TypeVar("SomeSettings", bound=Settings)


def load_or_default(settings_class: type[SomeSettings]) -> SomeSettings:
    """Load settings, or return the defaults if a value is invalid: the notebook then fails and logs the reason."""
    try:
        return settings_class.load()
    except ValueError:
        return settings_class.model_construct()
