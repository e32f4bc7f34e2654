"""Values in voila.json that protect visitors and the server."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def settings(project_root: Path) -> dict:
    return json.loads((project_root / "voila.json").read_text(encoding="utf-8"))


def test_show_tracebacks_is_off(settings):
    assert settings["VoilaConfiguration"]["show_tracebacks"] is False


def test_voila_json_holds_no_secret_of_the_notary(settings):
    assert "NotebookNotary" not in settings
