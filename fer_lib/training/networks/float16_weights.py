"""Store weights in float16 to halve the size of an ONNX file; they are cast to float32 when the file is loaded.

Inference still computes in float32; only the weights are rounded, to about three decimal digits.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

MIN_SIZE = 256  # values; smaller tensors stay in float32
FLOAT16_SUFFIX = "_half"  # of the name of a tensor stored in float16
FLOAT16_MAX = float(np.finfo(np.float16).max)


@torch.no_grad()
def round_to_float16(network: nn.Module) -> nn.Module:
    """Round the weights of a network, in place, to float16 values; biases and tensors below `MIN_SIZE` are unchanged.

    Raises:
        ValueError: if the magnitude of a weight exceeds the float16 range.
    """
    for name, weight in network.named_parameters():
        if weight.numel() >= MIN_SIZE and weight.ndim > 1:
            if float(weight.abs().max()) > FLOAT16_MAX:
                raise ValueError(f"the weights of {name} must be within ±{FLOAT16_MAX:.0f} to be stored in float16")
            weight.copy_(weight.half().float())
    return network


def store_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store all tensors that float16 represents exactly in float16, in place, each followed by a cast to float32."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < MIN_SIZE or np.abs(values).max() > FLOAT16_MAX:
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
