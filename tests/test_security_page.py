"""Every row of docs/security.md names a test that exists."""

import re

import pytest

TESTED = "## What is tested"


@pytest.fixture
def rows(project_root):
    """The rows of the table of what is tested: what is tried, what happens, the test."""
    text = (project_root / "docs" / "security.md").read_text(encoding="utf-8")
    lines = [line for line in text[text.index(TESTED) :].split("\n\n")[1].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\) \| ", line.strip("| "))] for line in lines[1:]]


def test_security_page_rows_have_three_cells(rows):
    assert len(rows) > 70
    assert [row for row in rows if len(row) != 3] == []


def test_security_page_each_row_names_its_test(rows):
    named = re.compile(r"`tests/|`make fuzz`|`python -m faults|^by hand")
    assert [tried for tried, _, test in rows if not named.search(test)] == []


def test_security_page_tests_exist(rows, project_root):
    missing = []
    for _, _, test in rows:
        folder = project_root
        for name in re.findall(r"`((?:tests/)?[\w/]*(?:test_\w+\.py|/))`", test):
            path = project_root / name if name.startswith("tests/") else folder / name
            folder = path if path.is_dir() else path.parent
            if not path.exists():
                missing.append(name)
    assert missing == []
