"""Test the exponential moving average of the weights."""

import pytest
import torch
from torch import nn

from fer_lib.training.learning.ema import ExponentialMovingAverage


def make_network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def fill(network, value):
    with torch.no_grad():
        for one in (*network.parameters(), *network.buffers()):
            one.fill_(value)


def test_update_parameters_copies_first_then_decays():
    network = make_network()
    ema = ExponentialMovingAverage(network, decay=0.25)
    averages = []
    for value in (3.0, 7.0, 7.0, 7.0):
        fill(network, value)
        ema.update_parameters(network)
        averages.append(float(ema.module[0].weight[0, 0].detach()))
    decays = [2 / 11, 3 / 12, 0.25]
    expected = [3.0]
    for decay in decays:
        expected.append(expected[-1] * decay + 7.0 * (1 - decay))
    assert averages == pytest.approx(expected)


def test_update_parameters_averages_batch_norm_and_copies_counts():
    network = make_network()
    ema = ExponentialMovingAverage(network, decay=0.5)
    for value in (4.0, 8.0):
        fill(network, value)
        ema.update_parameters(network)
    norm = ema.module[1]
    assert norm.running_mean.tolist() == pytest.approx([4 + 4 * 9 / 11] * 2)
    assert int(norm.num_batches_tracked) == 8
    assert int(ema.n_averaged) == 2


def test_update_parameters_equal_weights_are_bitwise_unchanged():
    network = make_network()
    ema = ExponentialMovingAverage(network, decay=0.998)
    for _ in range(5):
        ema.update_parameters(network)
    assert all(
        torch.equal(averaged, current)
        for averaged, current in zip(ema.module.parameters(), network.parameters(), strict=True)
    )
