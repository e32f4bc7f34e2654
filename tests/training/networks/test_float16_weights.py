"""Test float16 storage of weights: file size, equal outputs, fallback to float32."""

import numpy as np
import onnxruntime
import pytest
import torch

from fer_lib.training.export import publish
from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.model import build_model
from fer_lib.training.networks.float16_weights import round_to_float16


def test_export_onnx_float16_is_small_and_equals_torch(tmp_path):
    torch.manual_seed(0)
    network = build_model(1).eval()
    path = tmp_path / "emotion.onnx"
    difference = export_onnx(
        network, path, torch.zeros(2, 1, 32, 32), "faces", ["logits"], float16=True, tolerance=0.02
    )
    assert 0 < difference < 0.02
    assert path.stat().st_size < 10e6
    faces = torch.rand(3, 1, 32, 32)
    with torch.inference_mode():
        expected = network(faces).numpy()
    logits = onnxruntime.InferenceSession(path).run(None, {"faces": faces.numpy()})[0]
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=0.02)


def test_round_to_float16_keeps_biases():
    layer = torch.nn.Linear(64, 64)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    round_to_float16(layer)
    assert torch.equal(layer.bias, bias)
    assert not torch.equal(layer.weight, weight)
    assert torch.allclose(layer.weight, weight, rtol=1e-3)


def test_round_to_float16_refuses_large_weights():
    layer = torch.nn.Linear(64, 64)
    torch.nn.init.constant_(layer.weight, 1e6)
    with pytest.raises(ValueError, match="float16"):
        round_to_float16(layer)


def test_export_falls_back_to_float32(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(publish, "FLOAT16_TOLERANCE", 0.0)
    network = build_model(1).eval()
    assert publish._export(network, tmp_path / "emotion.onnx", torch.zeros(2, 1, 32, 32)) < 1e-4
    assert (tmp_path / "emotion.onnx").stat().st_size > 15e6
    assert "float32" in capsys.readouterr().out
