"""What every test stands on: no personal settings, and one place that finds the browser."""

import os
import shutil
from pathlib import Path

import pytest

from fer_lib import settings

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(autouse=True)
def _no_personal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the environment's knobs and the checkout's `.env`, so that every test meets the defaults."""
    known = {group.variable(field) for group in settings.GROUPS for field in group.model_fields}
    for name in list(os.environ):
        if name.upper() in known or name.upper().startswith(settings.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "find_dotenv", lambda: None)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium or Chrome; `CHROMIUM` names another one.

    Without a browser these tests are skipped at home, and fail in CI, where nothing may be skipped.
    """
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sentence = "no Chromium found: install it (Debian: apt install chromium) or say where it is with CHROMIUM=..."
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    return found
