"""16-bit arithmetic where it is faster: everywhere but in depthwise convolutions on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Float32Depthwise(nn.Conv2d):
    """A depthwise convolution that computes in 32 bits under autocast, for on CPUs learning takes it far longer in 16."""

    def forward(self, features: Tensor) -> Tensor:
        """Convolve `(n, c, h, w)`, of any precision, to `(n, c, h', w')` float32."""
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float())


def use_float32_depthwise(network: nn.Module) -> nn.Module:
    """Let every depthwise convolution of a network compute in 32 bits; its weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups > 1:
            module.__class__ = Float32Depthwise  # the same parameters, another way to count
    return network
