"""Synchronised batch normalisation on CPUs: statistics over the batches of all processes."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


class SharedBatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d` with mean and variance over the batches of all processes.

    torch's `SyncBatchNorm` supports GPUs only. Parameters and buffers are those of `nn.BatchNorm2d`, and so is the behaviour
    in evaluation mode and in a single process.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Normalise `(n, c, h, w)`; `n` must be equal in all processes."""
        if not (self.training and distributed.is_initialized() and distributed.get_world_size() > 1):
            return super().forward(features)
        world_size = distributed.get_world_size()
        mean = all_reduce(features.mean((0, 2, 3))) / world_size
        variance = all_reduce((features - mean[:, None, None]).square().mean((0, 2, 3))) / world_size
        self._update_running_statistics(
            mean.detach(), variance.detach(), features.numel() // features.shape[1] * world_size
        )
        scale = self.weight * (variance + self.eps).rsqrt()
        return features * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]

    def _update_running_statistics(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        momentum = self.momentum if self.momentum is not None else 0.1
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * count / max(count - 1, 1), momentum)


def share_batch_norm(network: nn.Module, device: torch.device) -> nn.Module:
    """Synchronise every batch normalisation of a network over all processes."""
    if device.type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm  # keeps parameters and buffers
    return network
