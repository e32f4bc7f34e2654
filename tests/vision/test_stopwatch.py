import time

import pytest

from fer_lib.vision.stopwatch import Stopwatch


def test_measure_empty() -> None:
    assert Stopwatch().timings_ms == {}


def test_measure_nested_stages() -> None:
    watch = Stopwatch()
    with watch.measure("total"):
        for stage in ("detect", "track"):
            with watch.measure(stage):
                time.sleep(0.002)
    assert list(watch.timings_ms) == ["detect", "track", "total"]
    assert min(watch.timings_ms.values()) >= 2
    assert watch.timings_ms["total"] >= watch.timings_ms["detect"] + watch.timings_ms["track"]


def test_measure_repeated_stage_adds_up() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch.measure("track"):
            time.sleep(0.002)
    assert watch.timings_ms["track"] >= 4


def test_measure_failed_block_is_not_counted() -> None:
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.measure("track"):
        raise KeyError
    assert watch.timings_ms == {}
