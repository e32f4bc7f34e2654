"""Means over whole pictures as one operation that ONNX Runtime is quick at.

The exporter writes torch's adaptive pooling as a mean, a reshape and a gather, and its mean over the last two axes as
`ReduceMean`. ONNX Runtime computes both outside the blocked layout of its convolutions, and has to rearrange the pixels
before and after each; `GlobalAveragePool` it computes in place. EfficientNet-B0 has seventeen of them.
"""

from __future__ import annotations

import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn


class GlobalMean(nn.Module):
    """The mean of each channel: `(n, c, h, w)` becomes `(n, c, 1, 1)`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the means."""
        return torch.mean(x, (2, 3), keepdim=True)


def simplify_pools(network: nn.Module) -> nn.Module:
    """Replace, in place, every adaptive pooling to a single pixel by the plain mean that it is."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(module, name, GlobalMean())
    return network


def use_global_pools(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace, in place, every mean over height and width of a picture by `GlobalAveragePool`."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for place, node in enumerate(model.graph.node):
        if node.op_type == "ReduceMean" and _is_global_mean(node, constants):
            pool = helper.make_node("GlobalAveragePool", node.input[:1], node.output, name=node.name)
            model.graph.node[place].CopyFrom(pool)
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [one for one in model.graph.initializer if one.name not in used]:
        model.graph.initializer.remove(tensor)  # the axes of the means
    return model


def _is_global_mean(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    keeps = all(helper.get_attribute_value(one) for one in node.attribute if one.name == "keepdims")
    axes = constants.get(node.input[1]) if len(node.input) == 2 else None
    return keeps and axes is not None and sorted(numpy_helper.to_array(axes).tolist()) in ([-2, -1], [2, 3])
