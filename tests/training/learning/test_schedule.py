"""Test the learning-rate schedules."""

import pytest

from fer_lib.settings import TrainingSettings
from fer_lib.training.learning.schedule import learning_rate_at


def test_learning_rate_at_step_decays_by_gamma():
    settings = TrainingSettings.load()
    rates = [learning_rate_at(settings, epoch) for epoch in (0, 6.9, 7, 14, 21)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-6])


def test_learning_rate_at_cosine_decreases():
    settings = TrainingSettings.load(schedule="cosine", num_epochs=10)
    rates = [learning_rate_at(settings, epoch / 2) for epoch in range(21)]
    assert rates[0] == settings.learning_rate
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.01 * rates[0]


def test_learning_rate_at_onecycle_rises_then_decreases():
    settings = TrainingSettings.load(schedule="onecycle", num_epochs=20)
    rates = [learning_rate_at(settings, epoch) for epoch in range(21)]
    assert max(rates) == rates[5] == pytest.approx(settings.learning_rate)
    assert rates[:6] == sorted(rates[:6])
    assert rates[5:] == sorted(rates[5:], reverse=True)
