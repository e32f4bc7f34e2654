"""Notary of the page: random key, no file on the disk."""

from pathlib import Path

import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from nbformat.v4 import new_code_cell, new_notebook, new_output
from tornado.web import Application
from voila.app import Voila

from fer_lib.live.server.admission import VisitorLimit
from fer_lib.live.server.notary import SECRET_BYTES, use_memory_notary


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, in which Jupyter would store the key and the signatures."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def notebook():
    output = new_output("display_data", {"text/html": "<script></script>"})
    return new_notebook(cells=[new_code_cell(outputs=[output])])


def make_contents() -> LargeFileManager:
    contents = LargeFileManager(parent=Voila())
    use_memory_notary(contents)
    return contents


def test_use_memory_notary_signs_without_a_file(home, notebook):
    contents = make_contents()
    assert not contents.notary.check_signature(notebook)
    contents.notary.sign(notebook)
    assert contents.notary.check_signature(notebook)
    assert list(home.iterdir()) == []


def test_use_memory_notary_generates_a_new_key(home, notebook):
    one, other = make_contents().notary, make_contents().notary
    assert len(one.secret) == len(other.secret) == SECRET_BYTES
    assert one.secret != other.secret
    one.sign(notebook)
    assert not other.check_signature(notebook)
    assert one.compute_signature(notebook) != other.compute_signature(notebook)


def test_get_handlers_replaces_the_notary_of_voila(home, notebook):
    voila = Voila()
    voila.app, voila.contents_manager = Application(), LargeFileManager(parent=voila)
    voila.kernel_manager = type(
        "Manager", (), {"notify_connect": None, "notify_disconnect": None, "start_kernel": None}
    )()
    VisitorLimit(parent=voila).get_handlers()
    assert len(voila.contents_manager.notary.secret) == SECRET_BYTES
    assert list(home.iterdir()) == []
