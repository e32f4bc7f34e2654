"""The benchmark of many visitors: results and table."""

import pytest

from benchmarks.visitors import format_table, measure


@pytest.fixture(scope="module")
def measured():
    return measure([2], seconds=2)


def test_measure_two_visitors(measured):
    (crowd,) = measured["crowds"]
    assert crowd["visitors"] == 2
    assert 1 < crowd["min_results_per_s"] <= crowd["max_results_per_s"] <= 33
    assert crowd["delay_ms"] > 0
    assert crowd["delay_growth"] > 0
    assert 0.5 <= crowd["fairness"] <= 1
    assert 30 < crowd["memory_per_visitor_mb"] < 400


def test_measure_visitors_is_the_largest_served_crowd(measured):
    (crowd,) = measured["crowds"]
    assert measured["visitors"] == (2 if crowd["min_results_per_s"] >= 10 else 0)
    assert measured["min_results_per_s"] == crowd["min_results_per_s"]


def test_format_table_has_a_row_per_crowd(measured):
    assert len(format_table(measured).splitlines()) == 1 + len(measured["crowds"]) + 2
