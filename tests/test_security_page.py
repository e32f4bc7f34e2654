"""Paths and tables of docs/security.md: each threat has a measure and a test that exists."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

HEAD = ["threat", "measure", "test"]
PATH = re.compile(r"`((?:tests|fer_lib|deploy|requirements|\.ci)/[\w./-]*)`")


@pytest.fixture(scope="module")
def text(project_root: Path) -> str:
    return (project_root / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(text: str) -> list[list[str]]:
    """The rows of all tables of threats: threat, measure, test."""
    found = []
    for paragraph in text.split("\n\n"):
        lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in paragraph.splitlines()]
        if lines[0] == HEAD:
            found += lines[2:]
    return found


def test_security_page_rows_have_three_cells(rows):
    assert len(rows) > 75
    assert [row for row in rows if len(row) != len(HEAD) or not all(row)] == []


def test_security_page_rows_name_a_test(rows):
    named = re.compile(r"`tests/|`make fuzz`|`python -m stress\.|^by hand")
    assert [threat for threat, _, test in rows if not named.search(test)] == []


def test_security_page_paths_exist(text, project_root):
    paths = set(PATH.findall(text))
    assert len(paths) > 80
    assert sorted(path for path in paths if not (project_root / path).exists()) == []


def test_security_page_modules_exist(text):
    modules = set(re.findall(r"`python -m (stress\.\w+)`", text))
    assert modules
    assert sorted(name for name in modules if find_spec(name) is None) == []
