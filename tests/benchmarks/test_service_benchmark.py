"""The benchmark of the HTTP service: results, table and request bytes."""

import pytest

from benchmarks.service import ResponseTimes, format_table, make_request, measure, summarize


@pytest.fixture(scope="module")
def measured():
    return measure(["one"], [1, 2], 1)


def test_measure_has_a_row_per_number_of_clients(measured):
    assert [(row["way"], row["clients"]) for row in measured["rows"]] == [
        ("one", 1),
        ("one", 2),
    ]
    for row in measured["rows"]:
        assert row["refused"] == 0
        assert row["requests_per_s"] > 0
        assert 0 < row["p50_ms"] <= row["p95_ms"]


def test_format_table_has_a_line_per_row(measured):
    lines = format_table(measured).splitlines()
    assert len(lines) == 1 + len(measured["rows"]) + 2
    assert lines[2].split()[:3] == ["one", "process", "2"]


def test_summarize_counts_only_the_last_seconds():
    times = ResponseTimes([1.0, 9.5, 10.0], [500.0, 20.0, 40.0], refused=1)
    assert summarize(times, 2) == {"requests_per_s": 1.0, "p50_ms": 30.0, "p95_ms": 39.0, "refused": 1}
    with pytest.raises(RuntimeError, match="must respond"):
        summarize(ResponseTimes(), 2)


def test_make_request_has_its_content_length():
    head, _, body = make_request(b"image").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"image" in body
