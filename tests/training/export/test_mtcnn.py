"""Test the export of MTCNN: equal outputs, cards name licence and source, no traces of the machine."""

import numpy as np
import onnx
import pytest
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

from fer_lib.training.export.mtcnn import export_mtcnn, optimize_mtcnn
from fer_lib.weights import DETECTOR, load_weights


@pytest.mark.parametrize(("network", "size"), [(PNet(), 33), (RNet(), 24), (ONet(), 48)])
def test_optimize_mtcnn_keeps_outputs_and_the_original(network, size):
    pixels = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        before = network(pixels)
        optimized = optimize_mtcnn(network)(pixels)
        after = network(pixels)
    assert all(torch.equal(first, second) for first, second in zip(before, after, strict=True))
    assert all(
        torch.allclose(ours, theirs, atol=1e-5) for ours, theirs in zip(optimized[:-1], before[:-1], strict=True)
    )
    assert torch.allclose(optimized[-1][:, 0], before[-1][:, 1], atol=1e-5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folder and differences of MTCNN, exported once to a new folder."""
    folder = tmp_path_factory.mktemp("export") / "new" / "folder"
    return folder, export_mtcnn(folder)


def test_export_mtcnn_writes_three_verified_networks(exported):
    folder, differences = exported
    assert set(differences) == set(DETECTOR)
    assert max(differences.values()) < 1e-4
    for name in DETECTOR:
        card = load_weights(name, folder).card
        assert card["licence"] == "MIT"
        assert "facenet-pytorch" in card["source"]


def test_export_mtcnn_equals_the_shipped_files(exported):
    for name in DETECTOR:
        ours, shipped = (read_constants(load_weights(name, folder).path) for folder in (exported[0], None))
        assert ours.keys() == shipped.keys()
        assert all(np.array_equal(ours[constant], shipped[constant]) for constant in ours)


def test_export_mtcnn_leaves_no_trace_of_the_machine(exported):
    for name in DETECTOR:
        for folder in (exported[0], None):
            path = load_weights(name, folder).path
            assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "images"
            assert b"site-packages" not in path.read_bytes()
            assert b".py" not in path.read_bytes()


def read_constants(path) -> dict[str, np.ndarray]:
    return {constant.name: onnx.numpy_helper.to_array(constant) for constant in onnx.load(path).graph.initializer}
