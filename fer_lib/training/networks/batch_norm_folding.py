"""Batch normalisations are merged into the convolutions before them for the export, and parted again to learn on.

An exported network has no normalisation left. One that shall learn on needs them, so each comes back beside its
convolution: first as one that only adds the convolution's bias, then with the mean and the variance of what it meets.
The answers stay the same all along.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fer_lib.training.networks.float16_weights import FLOAT16_SUFFIX


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Merge every batch normalisation into the convolution before it; the answers stay the same, the file gets smaller."""
    for convolution, norm in _find_pairs(network):
        both = cast(nn.Conv2d, network.get_submodule(convolution)), _norm(network, norm)
        network.set_submodule(convolution, fuse_conv_bn_eval(*both))
        network.set_submodule(norm, nn.Identity())
    return network


def load_onnx_weights(network: nn.Module, path: Path, setting: str = "INITIAL_WEIGHTS") -> None:
    """Load an exported network into a fresh one of the same shape, which then answers as the file does.

    Before it learns on, `estimate_batch_norm` must give its normalisations their statistics.

    Args:
        network: a fresh one, as `build_model` builds it.
        path: of the ONNX file.
        setting: that asked for it; errors name it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, no ONNX file, or of another network.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`{setting}` must name a file that is there, but there is no {path}")
    try:
        known = {
            tensor.name.removesuffix(FLOAT16_SUFFIX): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
            for tensor in onnx.load(path).graph.initializer
        }
        for convolution, norm in _find_pairs(network):
            bias, eps = known.pop(f"{convolution}.bias"), _norm(network, norm).eps
            ones, count = torch.ones_like(bias), torch.tensor(0)
            parts = {"weight": ones, "bias": bias, "running_mean": 0 * ones, "running_var": ones - eps}
            known |= {f"{norm}.{name}": part for name, part in parts.items()} | {f"{norm}.num_batches_tracked": count}
        network.load_state_dict({name: known[name] for name in network.state_dict()})
    except (DecodeError, KeyError, RuntimeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error).splitlines()[-1].strip()
        raise ValueError(
            f"`{setting}` must be an exported network of the same shape, but {path} is not: {why}"
        ) from None


@torch.no_grad()
def estimate_batch_norm(network: nn.Module, pictures: Tensor) -> None:
    """Give every batch normalisation the mean and variance that it meets; what the network answers stays the same.

    Args:
        network: after `load_onnx_weights`.
        pictures: what it shall learn from, `(n, c, s, s)`, as it takes them; a few hundred are enough.
    """
    norms = [_norm(network, norm) for _, norm in _find_pairs(network)]
    hooks = [norm.register_forward_pre_hook(_measure) for norm in norms]
    network.eval()(pictures)
    for hook in hooks:
        hook.remove()


def _measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
    """Move the statistics to those of the features `(n, c, h, w)`, and weight and bias so that the output stays."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    norm.bias.add_(scale * (mean - norm.running_mean))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _norm(network: nn.Module, name: str) -> nn.BatchNorm2d:
    return cast(nn.BatchNorm2d, network.get_submodule(name))


def _find_pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Return the names of every convolution that a batch normalisation follows, and of that."""
    return [
        (f"{inside}.{first}".lstrip("."), f"{inside}.{second}".lstrip("."))
        for inside, module in network.named_modules()
        if isinstance(module, nn.Sequential)
        for (first, convolution), (second, norm) in itertools.pairwise(module.named_children())
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d | nn.SyncBatchNorm)
    ]
