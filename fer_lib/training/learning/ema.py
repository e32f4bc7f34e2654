"""Exponential moving average (EMA) of the weights (Polyak and Juditsky, 1992)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class ExponentialMovingAverage(AveragedModel):
    """EMA of parameters and batch-norm statistics; the decay is lower in the first steps: min(decay, (1 + n) / (10 + n)).

    Unlike `AveragedModel.update_parameters`, an update does not read the step count back from the GPU, so it needs no
    synchronisation and can be captured in a CUDA graph.

    Args:
        model: network whose weights are averaged; the average is initialised with a copy.
        decay: weight of the previous average in each step, in [0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Update the average with the weights of `model`; the first update copies them."""
        count = self.n_averaged
        weight = 1 - ((1 + count) / (10 + count)).clamp(max=self.decay) * (count > 0)
        averaged, current = _float_tensors(self.module), _float_tensors(model)
        difference = torch._foreach_sub(current, averaged)
        torch._foreach_mul_(difference, weight)
        torch._foreach_add_(averaged, difference)
        for target, source in zip(self.module.buffers(), model.buffers(), strict=True):
            if not target.is_floating_point():
                target.copy_(source)
        count.add_(1)


def _float_tensors(network: nn.Module) -> list[Tensor]:
    return [value for value in (*network.parameters(), *network.buffers()) if value.is_floating_point()]
