"""How many may come and how long they may stay, as the server reads it."""

from __future__ import annotations

from fer_lib.settings import PageSettings


def read_page_settings() -> PageSettings:
    """Return the settings; the defaults if one is wrong, because then the page itself says which."""
    try:
        return PageSettings.load()
    except ValueError:
        return PageSettings.model_construct()
