"""Test the ONNX export: outputs equal torch's, a difference is an error."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.model import build_model


class NonDeterministic(nn.Module):
    """A network whose output changes with every call."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls = getattr(self, "calls", 0) + 1
        return x.mean((1, 2, 3)) + self.calls


def test_export_onnx_emotion_network_dynamic_batch(tmp_path):
    torch.manual_seed(0)
    network = build_model(1).eval()
    path = tmp_path / "emotion.onnx"
    assert export_onnx(network, path, torch.zeros(2, 1, 32, 32), "faces", ["logits"]) < 1e-4
    session = onnxruntime.InferenceSession(path)
    for n in (1, 5):
        faces = torch.rand(n, 1, 32, 32)
        with torch.inference_mode():
            expected = network(faces).numpy()
        np.testing.assert_allclose(session.run(["logits"], {"faces": faces.numpy()})[0], expected, atol=1e-4)


def test_export_onnx_difference_raises_and_writes_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="must equal torch"):
        export_onnx(NonDeterministic(), tmp_path / "a.onnx", torch.zeros(2, 1, 8, 8), "faces", ["logits"])
    assert not list(tmp_path.iterdir())


def test_export_onnx_rewritten_network_is_compared_with_the_original(tmp_path):
    original, other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    with pytest.raises(RuntimeError, match="must equal torch"):
        export_onnx(other, tmp_path / "a.onnx", torch.zeros(2, 3, 8, 8), "faces", ["logits"], original=original)
