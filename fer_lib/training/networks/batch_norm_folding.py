"""Fold batch normalisation into convolutions for export, and restore it for fine-tuning of an exported network.

An exported network contains no batch normalisation, but fine-tuning needs it. `load_onnx_weights` restores each layer as one
that only adds the convolution's bias; `estimate_batch_norm` then sets its statistics to mean and variance of its input. The
outputs of the network are the same after each step.
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
    """Fold every batch normalisation into the convolution before it, in place; outputs in evaluation mode are unchanged."""
    for convolution, norm in _find_pairs(network):
        layers = cast(nn.Conv2d, network.get_submodule(convolution)), _get_norm(network, norm)
        network.set_submodule(convolution, fuse_conv_bn_eval(*layers))
        network.set_submodule(norm, nn.Identity())
    return network


def load_onnx_weights(network: nn.Module, path: Path, setting: str = "INITIAL_WEIGHTS") -> None:
    """Load the weights of an exported ONNX file into a new network of the same architecture; the outputs are equal.

    Call `estimate_batch_norm` before training the network.

    Args:
        network: new network of `build_model`.
        path: ONNX file.
        setting: name of the setting that gave the path, for error messages.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is damaged, not ONNX, or of another architecture.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`{setting}` must be an existing file, but got {path}")
    try:
        tensors = {
            tensor.name.removesuffix(FLOAT16_SUFFIX): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
            for tensor in onnx.load(path).graph.initializer
        }
        for convolution, norm in _find_pairs(network):
            bias, eps = tensors.pop(f"{convolution}.bias"), _get_norm(network, norm).eps
            ones, count = torch.ones_like(bias), torch.tensor(0)
            parts = {"weight": ones, "bias": bias, "running_mean": 0 * ones, "running_var": ones - eps}
            tensors |= {f"{norm}.{name}": part for name, part in parts.items()} | {f"{norm}.num_batches_tracked": count}
        network.load_state_dict({name: tensors[name] for name in network.state_dict()})
    except (DecodeError, KeyError, RuntimeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error).splitlines()[-1].strip()
        raise ValueError(
            f"`{setting}` must be an exported network of the same architecture, but {path} is not: {why}"
        ) from None


@torch.no_grad()
def estimate_batch_norm(network: nn.Module, images: Tensor) -> None:
    """Set the statistics of every batch normalisation to mean and variance of its input; outputs are unchanged.

    Args:
        network: network after `load_onnx_weights`.
        images: normalised training images, `(n, c, s, s)`; a few hundred are enough.
    """
    norms = [_get_norm(network, norm) for _, norm in _find_pairs(network)]
    hooks = [norm.register_forward_pre_hook(_measure) for norm in norms]
    network.eval()(images)
    for hook in hooks:
        hook.remove()


def _measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
    """Set the statistics to those of the input `(n, c, h, w)`, and adapt weight and bias so that the output is unchanged."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    norm.bias.add_(scale * (mean - norm.running_mean))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _get_norm(network: nn.Module, name: str) -> nn.BatchNorm2d:
    return cast(nn.BatchNorm2d, network.get_submodule(name))


def _find_pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Return the names of every convolution followed by a batch normalisation, and of that normalisation."""
    return [
        (f"{parent}.{first}".lstrip("."), f"{parent}.{second}".lstrip("."))
        for parent, module in network.named_modules()
        if isinstance(module, nn.Sequential)
        for (first, convolution), (second, norm) in itertools.pairwise(module.named_children())
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d | nn.SyncBatchNorm)
    ]
