"""bfloat16 mixed precision on CPUs, with depthwise convolutions in float32, where they are faster."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Float32Depthwise(nn.Conv2d):
    """Depthwise convolution in float32 under autocast; on CPUs its training is much slower in bfloat16."""

    def forward(self, features: Tensor) -> Tensor:
        """Convolve `(n, c, h, w)` of any precision to `(n, c, h', w')` float32."""
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float())


def use_float32_depthwise(network: nn.Module) -> nn.Module:
    """Replace, in place, every depthwise convolution by `Float32Depthwise`; parameters and their names are unchanged."""
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups > 1:
            module.__class__ = Float32Depthwise  # keeps parameters and buffers
    return network
