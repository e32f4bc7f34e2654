"""The first stages of a network stay as they are: what they look for is as good for the next task (Yosinski et al., 2014)."""

from __future__ import annotations

from typing import cast

from torch import nn


def freeze_stages(network: nn.Module, count: int) -> None:
    """Let the first `count` stages of an EfficientNet learn no more, so that no gradient is computed for them.

    Raises:
        ValueError: if the network has no such stages.
    """
    if count and not hasattr(network, "features"):
        raise ValueError("`FROZEN_STAGES` must be 0 for a network without stages, such as a ResNet")
    for stage in _first_stages(network, count):
        stage.requires_grad_(False)


def hold_stages(network: nn.Module, count: int) -> None:
    """Let the first `count` stages answer as in use while the rest learns: their normalisations stay too."""
    for stage in _first_stages(network, count):
        stage.eval()


def _first_stages(network: nn.Module, count: int) -> nn.Sequential | list[nn.Module]:
    return cast(nn.Sequential, network.features)[:count] if count else []
