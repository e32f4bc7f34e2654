"""Tiny emotion networks whose outputs can be computed in a test."""

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
    input_shape: tuple[Any, ...] | None = None,
    outputs: int = 7,
    gain: float = 1.0,
    **card: Any,
) -> np.ndarray:
    """Write an emotion network (global average pooling and a linear layer); return its matrix `(channels, outputs)`.

    `input_shape` is the declared input shape; by default that of `spec` with a dynamic batch size.
    """
    input_shape = input_shape or ("n", spec.channels, spec.size, spec.size)
    channels = input_shape[1] if isinstance(input_shape[1], int) else spec.channels
    matrix = gain * np.random.default_rng(0).normal(0, 1, (channels, outputs)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["faces", "axes"], ["means"], keepdims=0),
            helper.make_node("MatMul", ["means", "matrix"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([2, 3]), "axes"), numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "emotion.onnx")
    write_card(folder / "emotion.json", {"labels": EMOTIONS, "input": spec.as_dict(), "temperature": 1.0, **card})
    return matrix
