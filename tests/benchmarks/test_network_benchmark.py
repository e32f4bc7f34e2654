"""The benchmark of the emotion networks: results, table and plot."""

import pytest

from benchmarks import network


def test_measure_both_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "ROUNDS", 1)
    measured = network.measure(repeats=2, threads=1)
    for name in network.PATHS:
        assert 0 < measured[f"{name}_ms"]["median"] <= measured[f"{name}_ms"]["p95"]
        assert len(measured["_run_ms"][name]) == 2
    assert measured["ratio"] == measured["classical_ms"]["median"] / measured["ours_ms"]["median"]
    assert f"{measured['ratio']:.1f} times faster" in network.format_table(measured)
    assert len(network.draw(measured).axes) == 1
