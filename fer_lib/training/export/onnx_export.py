"""Export networks to ONNX and verify that ONNX Runtime's output equals torch's."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from fer_lib.atomic_write import atomic_write
from fer_lib.training.networks.batch_norm_folding import fold_batch_norm
from fer_lib.training.networks.float16_weights import round_to_float16, store_float16
from fer_lib.training.networks.global_pool import simplify_pools, use_global_pools

OPSET = 18


def export_onnx(
    network: nn.Module,
    path: Path,
    example: Tensor,
    input_name: str,
    output_names: Sequence[str],
    dynamic: Mapping[int, str] | None = None,
    tolerance: float = 1e-4,
    original: nn.Module | None = None,
    float16: bool = False,
) -> float:
    """Export a network to one ONNX file and verify its output against torch.

    Args:
        network: network to export; it is not modified.
        path: output file, `.onnx`; written only if the verification passes.
        example: example input, `(n, c, h, w)` with `n >= 2`.
        input_name: name of the input.
        output_names: names of the outputs, in order.
        dynamic: names of the dynamic dimensions of the input, by axis; default: axis 0, the number of images.
        tolerance: largest allowed absolute difference of outputs.
        original: reference of the verification, if `network` is a rewritten form of it.
        float16: store the weights in float16.

    Returns:
        The largest absolute difference between the outputs of torch and ONNX Runtime, over several random inputs.

    Raises:
        RuntimeError: if the difference exceeds `tolerance`.
    """
    dynamic = dynamic or {0: "images"}
    frozen = simplify_pools(fold_batch_norm(copy.deepcopy(network).cpu().eval()))
    if float16:
        round_to_float16(frozen)
    shapes = (dict.fromkeys(dynamic, torch.export.Dim.DYNAMIC),)
    program = torch.onnx.export(
        frozen,
        (example,),
        input_names=[input_name],
        output_names=list(output_names),
        dynamic_shapes=shapes,
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only the TorchScript exporter returns None
    model = use_global_pools(_strip_metadata(program.model_proto, dynamic))
    with atomic_write(path) as unverified:
        onnx.save(store_float16(model) if float16 else model, unverified)
        difference = _measure_difference(original or network, unverified, example, list(dynamic))
        if difference > tolerance:
            raise RuntimeError(
                f"the exported network must equal torch within {tolerance}, but differs by {difference:.2g}"
            )
    return difference


def _strip_metadata(model: Any, dynamic: Mapping[int, str]) -> Any:
    """Remove the exporter's debugging metadata, and name the dynamic dimensions."""
    del model.metadata_props[:]
    model.graph.doc_string = model.doc_string = ""
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    sizes = model.graph.input[0].type.tensor_type.shape.dim
    names = {sizes[axis].dim_param: name for axis, name in dynamic.items()}
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), size.dim_param)
    return model


def _measure_difference(network: nn.Module, path: Path, example: Tensor, dynamic: list[int]) -> float:
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for step in range(5):
        shape = list(example.shape)
        for axis in dynamic:
            shape[axis] = 1 + step if axis == 0 else shape[axis] + 11 * step
        pixels = torch.rand(shape, generator=generator) * 2 - 1
        with torch.inference_mode():
            outputs = network.eval()(pixels)
        expected = outputs if isinstance(outputs, tuple) else (outputs,)
        for output, reference in zip(session.run(None, {name: pixels.numpy()}), expected, strict=True):
            largest = max(largest, float(np.abs(output - reference.numpy()).max()))
    return largest
