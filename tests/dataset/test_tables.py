"""Test the reading of third-party CSV tables: rows, and files that are not CSV."""

import pytest

from fer_lib.dataset.tables import MAX_LINE, open_table


def test_open_table_rows_by_column(tmp_path):
    (tmp_path / "a.csv").write_text('name,votes\r\n"a, b",3\n', encoding="utf-8")
    with open_table(tmp_path / "a.csv") as rows:
        assert list(rows) == [{"name": "a, b", "votes": "3"}]


@pytest.mark.parametrize(
    "data",
    [
        b"name\n" + b"a" * (MAX_LINE + 1),
        b"a" * (MAX_LINE + 1),
        b'name\n"' + b"a\n" * 100_000,  # a field of many lines
        b"name\n\xff\xfe\n",
    ],
)
def test_open_table_refuses_other_files(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    with (
        pytest.raises(ValueError, match=r"a\.csv must be a CSV table in UTF-8"),
        open_table(tmp_path / "a.csv") as rows,
    ):
        list(rows)
