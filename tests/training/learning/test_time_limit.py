"""Test the time limit: the number of planned epochs."""

import pytest

from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import time_limit
from fer_lib.training.learning.time_limit import EpochTimer


class Clock:
    """Fake clock that advances only when its time is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(time_limit, "time", clock := Clock())
    return clock


def run_epochs(timer, clock, settings, seconds):
    """Simulate epochs of `seconds(epoch)` until the plan is reached; return the planned number of epochs before each."""
    plans = []
    epoch = 0
    while epoch < (planned := timer.plan(settings).num_epochs):
        plans.append(planned)
        clock.now_s += seconds(epoch)
        timer.record_epoch({"epoch": epoch})
        epoch += 1
    return [*plans, planned]


def test_epoch_timer_fits_epochs_into_the_limit(clock):
    settings = TrainingSettings.load(num_epochs=1000, time_limit_s=60)
    plans = run_epochs(EpochTimer([]), clock, settings, lambda epoch: 10 if epoch == 0 else 2)
    assert plans[0] == 1000
    assert plans[-1] == 26  # 10 + 25 × 2 = 60
    assert clock.now_s == 160


def test_epoch_timer_no_limit(clock):
    assert run_epochs(EpochTimer([]), clock, TrainingSettings.load(num_epochs=3), lambda _: 1e6) == [3, 3, 3, 3]


def test_epoch_timer_never_exceeds_num_epochs(clock):
    settings = TrainingSettings.load(num_epochs=3, time_limit_s=1e6)
    assert run_epochs(EpochTimer([]), clock, settings, lambda _: 1) == [3, 3, 3, 3]


def test_epoch_timer_counts_time_before_resuming(clock):
    timer = EpochTimer([{"epoch": 9, "elapsed_s": 50.0}])
    clock.now_s += 2
    line = timer.record_epoch({"epoch": 10})
    assert line["elapsed_s"] == 52
    assert timer.plan(TrainingSettings.load(num_epochs=1000, time_limit_s=60)).num_epochs == 15
