"""What leaves torch answers as torch does, and says where it came from."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fer_lib.training.export import export_mtcnn, export_onnx, fold_batch_norm
from fer_lib.training.model import build_model
from fer_lib.weights import DETECTOR, load_weights


class Wandering(nn.Module):
    """Answers differently every time it is asked."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked = getattr(self, "asked", 0) + 1
        return x.mean((1, 2, 3)) + self.asked


def test_export_onnx_emotion_network_for_any_number_of_faces(tmp_path):
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


def test_export_onnx_that_differs_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="must equal torch"):
        export_onnx(Wandering(), tmp_path / "a.onnx", torch.zeros(2, 1, 8, 8), "faces", ["logits"])
    assert not list(tmp_path.iterdir())


def test_fold_batch_norm_leaves_none_and_changes_no_answer():
    torch.manual_seed(0)
    network = build_model(1).train()
    network(torch.rand(8, 1, 32, 32))  # so that the statistics are not trivial
    network.eval()
    faces = torch.rand(2, 1, 32, 32)
    before = network(faces)
    folded = fold_batch_norm(network)
    assert not [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(folded(faces), before, atol=1e-4)


def test_export_mtcnn_writes_three_verified_networks(tmp_path):
    differences = export_mtcnn(tmp_path)
    assert set(differences) == set(DETECTOR)
    assert max(differences.values()) < 1e-4
    for name in DETECTOR:
        card = load_weights(name, tmp_path).card
        assert card["licence"] == "MIT"
        assert "facenet-pytorch" in card["source"]


def test_export_mtcnn_equals_what_is_shipped(tmp_path):
    export_mtcnn(tmp_path)
    for name in DETECTOR:
        ours, shipped = (read_constants(load_weights(name, folder).path) for folder in (tmp_path, None))
        assert ours.keys() == shipped.keys()
        assert all(np.array_equal(ours[place], shipped[place]) for place in ours)


def read_constants(path) -> dict[str, np.ndarray]:
    return {constant.name: onnx.numpy_helper.to_array(constant) for constant in onnx.load(path).graph.initializer}
