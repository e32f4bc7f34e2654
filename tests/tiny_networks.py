"""Emotion networks for tests: small enough to know what they must answer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.weights import write_card

SPEC = CropSpec(24, "rgb", scale=1.2, shift_y=0.05)


def write_emotion_network(
    folder: Path,
    spec: CropSpec = SPEC,
    takes: tuple[Any, ...] | None = None,
    outputs: int = 7,
    gain: float = 1.0,
    **card: Any,
) -> np.ndarray:
    """Write an emotion network: average each channel, then multiply by a matrix `(channels, outputs)`; return the matrix.

    `takes` is the shape of the input that the file declares; by default the one of `spec`, for any number of faces.
    """
    takes = takes or ("n", spec.channels, spec.size, spec.size)
    channels = takes[1] if isinstance(takes[1], int) else spec.channels
    matrix = gain * np.random.default_rng(0).normal(0, 1, (channels, outputs)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["faces", "axes"], ["means"], keepdims=0),
            helper.make_node("MatMul", ["means", "matrix"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, takes)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([2, 3]), "axes"), numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "emotion.onnx")
    write_card(folder / "emotion.json", {"labels": EMOTIONS, "input": spec.as_dict(), "temperature": 1.0, **card})
    return matrix
