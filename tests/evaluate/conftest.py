"""Fixtures of the evaluation: a linear emotion network, fitted to the synthetic faces by ridge regression."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fer_lib.crops import CropSpec, normalize_crops
from fer_lib.dataset.image_folders import load_split
from fer_lib.evaluate.predictions import Predictions, open_recognizer, predict_split
from fer_lib.labels import EMOTIONS
from fer_lib.settings import EvaluationSettings
from fer_lib.vision.recognition import Recognizer
from fer_lib.weights import write_card

SPEC = CropSpec(size=24, color="grey")


def write_linear_network(path: Path, matrix: np.ndarray, spec: CropSpec = SPEC, temperature: float = 0.73) -> Path:
    """Write a network with logits = flattened face × `matrix`, `(channels * size * size, 7)`, and its card."""
    nodes = [
        helper.make_node("Flatten", ["faces"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", spec.channels, spec.size, spec.size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 7])],
        [numpy_helper.from_array(matrix.astype(np.float32), "matrix")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    card = {"name": "emotion", "labels": list(EMOTIONS), "input": spec.as_dict(), "temperature": temperature}
    write_card(path.with_suffix(".json"), card)
    return path


@pytest.fixture
def write_network(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a linear network into the test's folder; see `write_linear_network`."""
    return lambda matrix, **options: write_linear_network(tmp_path / "emotion.onnx", matrix, **options)


@pytest.fixture(scope="session")
def sample(project_root: Path) -> Path:
    """Return the folder of synthetic faces."""
    return project_root / "data" / "sample"


@pytest.fixture(scope="session")
def linear_network(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an ONNX file with its card, fitted to the synthetic training faces by ridge regression."""
    split = load_split(sample, "train", SPEC, quiet=True)
    faces = normalize_crops(split.images, SPEC).reshape(len(split), -1).astype(np.float64)
    gram = faces.T @ faces + 100 * np.eye(faces.shape[1])
    matrix = np.linalg.solve(gram, faces.T @ (8 * np.eye(7)[split.targets] - 1))
    return write_linear_network(tmp_path_factory.mktemp("linear") / "emotion.onnx", matrix)


@pytest.fixture
def settings(sample: Path, linear_network: Path) -> EvaluationSettings:
    return EvaluationSettings.load(data_dir=sample, weights=linear_network)


@pytest.fixture
def recognizer(linear_network: Path) -> Recognizer:
    return open_recognizer(linear_network)


@pytest.fixture
def predictions(recognizer: Recognizer, settings: EvaluationSettings) -> Predictions:
    """Return the predictions of the linear network for the synthetic test faces."""
    return predict_split(recognizer, settings, quiet=True)
