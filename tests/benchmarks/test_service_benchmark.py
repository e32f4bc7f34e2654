"""Requests a second of the service, and the table of them."""

import pytest

from benchmarks.service import Tally, describe, make_request, measure, sum_up


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


def test_describe_has_a_line_per_row(measured):
    lines = describe(measured).splitlines()
    assert len(lines) == 1 + len(measured["rows"]) + 2
    assert lines[2].split()[:3] == ["one", "process", "2"]


def test_sum_up_counts_only_the_last_seconds():
    tally = Tally([1.0, 9.5, 10.0], [500.0, 20.0, 40.0], refused=1)
    assert sum_up(tally, 2) == {"requests_per_s": 1.0, "p50_ms": 30.0, "p95_ms": 39.0, "refused": 1}
    with pytest.raises(RuntimeError, match="must answer"):
        sum_up(Tally(), 2)


def test_make_request_says_its_length():
    head, _, body = make_request(b"picture").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"picture" in body
