"""The average follows the weights: at once at first, slowly later."""

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


def test_update_takes_the_first_weights_whole_and_later_ones_by_the_decay():
    network = make_network()
    average = ExponentialMovingAverage(network, decay=0.25)
    seen = []
    for value in (3.0, 7.0, 7.0, 7.0):
        fill(network, value)
        average.update_parameters(network)
        seen.append(float(average.module[0].weight[0, 0].detach()))
    stay = [2 / 11, 3 / 12, 0.25]
    expected = [3.0]
    for share in stay:
        expected.append(expected[-1] * share + 7.0 * (1 - share))
    assert seen == pytest.approx(expected)


def test_update_averages_normalisations_and_copies_their_counts():
    network = make_network()
    average = ExponentialMovingAverage(network, decay=0.5)
    for value in (4.0, 8.0):
        fill(network, value)
        average.update_parameters(network)
    norm = average.module[1]
    assert norm.running_mean.tolist() == pytest.approx([4 + 4 * 9 / 11] * 2)
    assert int(norm.num_batches_tracked) == 8
    assert int(average.n_averaged) == 2


def test_update_leaves_equal_weights_as_they_are_to_the_last_bit():
    network = make_network()
    average = ExponentialMovingAverage(network, decay=0.998)
    for _ in range(5):
        average.update_parameters(network)
    assert all(
        torch.equal(ours, theirs)
        for ours, theirs in zip(average.module.parameters(), network.parameters(), strict=True)
    )
