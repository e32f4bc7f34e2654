"""What voila.json sets against visitors."""

import json
from pathlib import Path

import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output
from traitlets.config import Config


@pytest.fixture
def settings(project_root: Path) -> dict:
    return json.loads((project_root / "voila.json").read_text(encoding="utf-8"))


def test_show_tracebacks_is_off(settings):
    assert settings["VoilaConfiguration"]["show_tracebacks"] is False


def test_notary_trusts_no_signature_from_elsewhere(settings, project_root, monkeypatch):
    """The signing key is a file that everybody has; signatures are kept in memory only, so that knowing it is no use."""
    monkeypatch.chdir(project_root)
    notary, other = (NotebookNotary(config=Config(settings)) for _ in range(2))
    output = new_output("display_data", {"text/html": "<script></script>"})
    notebook = new_notebook(cells=[new_code_cell(outputs=[output])])
    other.sign(notebook)
    assert other.check_signature(notebook)
    assert other.secret == notary.secret
    assert not notary.check_signature(notebook)
