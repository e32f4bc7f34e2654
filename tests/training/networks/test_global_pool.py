"""Test the replacement of average pooling by GlobalAveragePool."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.networks.global_pool import GlobalMean, simplify_pools


class Squeeze(nn.Module):
    """A network with two global poolings and one that is not global."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.inner = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d((1, 1)))
        self.pool2x2 = nn.AdaptiveAvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute `(n, 4)` from `(n, 1, h, w)`."""
        flat = (self.inner(x) * self.pool(x)).flatten(1)
        return flat + self.pool2x2(x).flatten(1) + x.mean((1, 2, 3))[:, None]


def test_simplify_pools_keeps_outputs() -> None:
    network, pixels = Squeeze().eval(), torch.rand(2, 1, 8, 8)
    expected = network(pixels)
    simple = simplify_pools(network)
    assert isinstance(simple.pool, GlobalMean)
    assert isinstance(simple.inner[1], GlobalMean)
    assert isinstance(simple.pool2x2, nn.AdaptiveAvgPool2d)
    torch.testing.assert_close(simple(pixels), expected)


def test_export_uses_global_pools(tmp_path: Path) -> None:
    network = Squeeze().eval()
    path = tmp_path / "squeeze.onnx"
    export_onnx(network, path, torch.rand(2, 1, 8, 8), "faces", ["logits"])
    graph = onnx.load(path).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("GlobalAveragePool") == 2
    assert kinds.count("ReduceMean") == 1  # over the channels, too: not a global pooling
    assert {tensor.name for tensor in graph.initializer} <= {name for node in graph.node for name in node.input}
    pixels = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    outputs = onnxruntime.InferenceSession(path).run(None, {"faces": pixels})[0]
    np.testing.assert_allclose(outputs, network(torch.from_numpy(pixels)).detach(), atol=1e-5)
