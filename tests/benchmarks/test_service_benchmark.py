"""Clients get answers from the service, with and without batching, and the table tells how fast."""

import pytest

from benchmarks.service import Tally, describe, make_request, measure, sum_up


@pytest.fixture(scope="module")
def measured():
    return measure(["one"], [2], 1)


def test_measure_has_a_row_with_and_without_batching(measured):
    assert [(row["way"], row["batching"], row["clients"]) for row in measured["rows"]] == [
        ("one", False, 2),
        ("one", True, 2),
    ]
    for row in measured["rows"]:
        assert row["refused"] == 0
        assert row["requests_per_s"] > 0
        assert 0 < row["p50_ms"] <= row["p95_ms"]


def test_describe_has_a_line_per_row(measured):
    lines = describe(measured).splitlines()
    assert len(lines) == 1 + len(measured["rows"]) + 2
    assert lines[2].split()[:4] == ["one", "process", "on", "2"]


def test_sum_up_counts_only_the_last_seconds():
    tally = Tally([1.0, 9.5, 10.0], [500.0, 20.0, 40.0], refused=1)
    assert sum_up(tally, 2) == {"requests_per_s": 1.0, "p50_ms": 30.0, "p95_ms": 39.0, "refused": 1}
    with pytest.raises(RuntimeError, match="must answer"):
        sum_up(Tally(), 2)


def test_make_request_says_its_length():
    head, _, body = make_request(b"picture").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"picture" in body
