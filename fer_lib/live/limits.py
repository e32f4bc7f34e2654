"""How many may come, how much they may send and how long they may stay, as the server reads it."""

from __future__ import annotations

from typing import TypeVar

from fer_lib.settings.base import Settings

Some = TypeVar("Some", bound=Settings)


def read_settings(kind: type[Some]) -> Some:
    """Return settings of a kind; the defaults if one is wrong: then the notebook fails and the log says which."""
    try:
        return kind.load()
    except ValueError:
        return kind.model_construct()
