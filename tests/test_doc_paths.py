"""Paths of tests and modules that docs/security.md and docs/reliability.md name must exist."""

import re
from importlib.util import find_spec

import pytest

PAGES = ("docs/security.md", "docs/reliability.md")
PATH = re.compile(r"`((?:tests/)?[\w/]*(?:test_\w+\.py|\w/))`")
MODULE = re.compile(r"`python -m ((?:stress|benchmarks|fer_lib)[\w.]*)")


@pytest.fixture(params=PAGES)
def page(request, project_root):
    """The text of one page."""
    return (project_root / request.param).read_text(encoding="utf-8")


def missing_paths(text, root):
    """Return named test paths that do not exist; a bare name lies in the folder of the path before it, in the same cell."""
    missing = []
    for cell in re.split(r"(?<!\\)\||\n\n", text):
        folder = root
        for name in PATH.findall(cell):
            if not name.startswith("tests/") and not name.startswith("test_"):
                continue
            path = root / name if name.startswith("tests/") else folder / name
            folder = path if path.is_dir() else path.parent
            if not path.exists():
                missing.append(name)
    return missing


def test_missing_paths_finds_moved_files(project_root):
    cell = "| `tests/test_weights.py`, `test_faces.py`, `test_gone.py` | `tests/gone/` | `tests/stress/` |"
    assert missing_paths(cell, project_root) == ["test_gone.py", "tests/gone/"]


def test_doc_paths_of_tests_exist(page, project_root):
    assert len(PATH.findall(page)) > 10
    assert missing_paths(page, project_root) == []


def test_doc_paths_of_modules_exist(page):
    modules = MODULE.findall(page)
    assert modules
    assert [name for name in modules if find_spec(name) is None] == []


def test_doc_paths_reliability_rows_name_a_test(project_root):
    text = (project_root / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = next(block for block in text.split("\n\n") if block.startswith("| part |"))
    rows = table.splitlines()[2:]
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"`tests/|`make fuzz`|`python -m |the same \|", row)] == []
