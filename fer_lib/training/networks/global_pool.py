"""Global average pooling as the ONNX operator `GlobalAveragePool`, which is fast in ONNX Runtime.

The exporter writes torch's adaptive pooling as a mean, a reshape and a gather, and its mean over the last two axes as
`ReduceMean`. ONNX Runtime computes both outside the blocked layout of its convolutions, with a layout conversion before and
after each; `GlobalAveragePool` is computed in the blocked layout. EfficientNet-B0 has seventeen such layers.
"""

from __future__ import annotations

import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn


class GlobalMean(nn.Module):
    """Global average pooling by a plain mean: `(n, c, h, w)` to `(n, c, 1, 1)`."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute the mean of each channel."""
        return torch.mean(x, (2, 3), keepdim=True)


def simplify_pools(network: nn.Module) -> nn.Module:
    """Replace, in place, every adaptive average pooling to 1×1 by `GlobalMean`."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(module, name, GlobalMean())
    return network


def use_global_pools(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace, in place, every `ReduceMean` over height and width by `GlobalAveragePool`."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for index, node in enumerate(model.graph.node):
        if node.op_type == "ReduceMean" and _is_global_mean(node, constants):
            pool = helper.make_node("GlobalAveragePool", node.input[:1], node.output, name=node.name)
            model.graph.node[index].CopyFrom(pool)
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [one for one in model.graph.initializer if one.name not in used]:
        model.graph.initializer.remove(tensor)  # the axes of the means
    return model


def _is_global_mean(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    keeps = all(helper.get_attribute_value(one) for one in node.attribute if one.name == "keepdims")
    axes = constants.get(node.input[1]) if len(node.input) == 2 else None
    return keeps and axes is not None and sorted(numpy_helper.to_array(axes).tolist()) in ([-2, -1], [2, 3])
