"""A file of half the size: weights are kept in 16 bits, and become 32 again when the file is loaded.

The arithmetic stays as fast and as exact as before; only the weights are rounded, to about three digits.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SMALL = 256  # values; what is smaller saves nothing worth a rounding
FLOAT16_SUFFIX = "_half"  # ends the name of a tensor that is kept in 16 bits
LARGEST = float(np.finfo(np.float16).max)


@torch.no_grad()
def round_to_float16(network: nn.Module) -> nn.Module:
    """Round the weights of a network, in place, to values that 16 bits hold; biases and other small ones stay.

    Raises:
        ValueError: if a weight is too large for 16 bits.
    """
    for name, weight in network.named_parameters():
        if weight.numel() >= SMALL and weight.ndim > 1:
            if float(weight.abs().max()) > LARGEST:
                raise ValueError(f"the weights of {name} must lie within ±{LARGEST:.0f} to be kept in 16 bits")
            weight.copy_(weight.half().float())
    return network


def store_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep in 16 bits, in place, all tensors that lose nothing by it, each with a cast that brings it back."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL or np.abs(values).max() > LARGEST:
            continue
        halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halves, name + FLOAT16_SUFFIX))
        casts.append(helper.make_node("Cast", [name + FLOAT16_SUFFIX], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model
