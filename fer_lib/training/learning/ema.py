"""The average of the weights over the last steps, which answers better than the last weights do (Polyak and Juditsky, 1992)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class ExponentialMovingAverage(AveragedModel):
    """An exponential moving average of weights and normalisations, quick at first, when these are still far from good.

    torch's own asks the device in each step how many there were, and a graphics card would have to stop for it.

    Args:
        model: whose weights are averaged; the average begins as a copy of them.
        decay: share of the average that stays in each step, in [0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards the weights of `model`; the first time, all the way."""
        count = self.n_averaged
        pull = 1 - ((1 + count) / (10 + count)).clamp(max=self.decay) * (count > 0)
        averaged, current = _real_values(self.module), _real_values(model)
        apart = torch._foreach_sub(current, averaged)
        torch._foreach_mul_(apart, pull)
        torch._foreach_add_(averaged, apart)
        for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
            if not own.is_floating_point():
                own.copy_(other)
        count.add_(1)


def _real_values(network: nn.Module) -> list[Tensor]:
    return [value for value in (*network.parameters(), *network.buffers()) if value.is_floating_point()]
