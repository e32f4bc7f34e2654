"""Networks leave torch as ONNX files that are proven to answer alike.

python -m fer_lib.training.export mtcnn
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn

from fer_lib.atomic_write import atomic_write
from fer_lib.command_line import CommandParser
from fer_lib.terminal import printable
from fer_lib.training.networks.batch_norm_folding import fold_batch_norm
from fer_lib.training.networks.float16_weights import round_weights, store_halves
from fer_lib.training.networks.global_pool import simplify_pools, use_global_pools
from fer_lib.training.runs.run import describe_environment
from fer_lib.weights import weights_folder, write_card

OPSET = 18
LICENCE = "MIT"
SOURCE = (
    "the weights inside the facenet-pytorch package (Tim Esler, MIT), converted from David Sandberg's facenet (MIT), "
    "which took them from the authors of MTCNN (Zhang et al., 2016, Joint Face Detection and Alignment using "
    "Multi-task Cascaded Convolutional Networks)"
)


def export_onnx(
    network: nn.Module,
    path: Path,
    example: Tensor,
    input_name: str,
    output_names: Sequence[str],
    dynamic: Mapping[int, str] | None = None,
    tolerance: float = 1e-4,
    original: nn.Module | None = None,
    halve: bool = False,
) -> float:
    """Write a network as one ONNX file and prove that ONNX Runtime answers as torch does.

    Args:
        network: what to export; it is left as it was.
        path: the file, `.onnx`; it is only there if the proof holds.
        example: an input, `(n, c, h, w)` with `n >= 2`.
        input_name: how the input is called in the file.
        output_names: how the outputs are called, in order.
        dynamic: which dimensions of the input may change, and their names; the number of images by default.
        tolerance: the largest difference allowed.
        original: what the file must answer like, if `network` is a rewritten form of it.
        halve: keep the weights in 16 bits.

    Returns:
        The largest difference between an answer of torch and one of ONNX Runtime, over several random inputs.

    Raises:
        RuntimeError: if they differ by more than `tolerance`.
    """
    dynamic = dynamic or {0: "images"}
    frozen = simplify_pools(fold_batch_norm(copy.deepcopy(network).cpu().eval()))
    if halve:
        round_weights(frozen)
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
    assert program is not None  # only the old exporter returns nothing
    model = use_global_pools(_strip(program.model_proto, dynamic))
    with atomic_write(path) as unproven:
        onnx.save(store_halves(model) if halve else model, unproven)
        difference = _measure_difference(original or network, unproven, example, list(dynamic))
        if difference > tolerance:
            raise RuntimeError(
                f"the exported network must equal torch within {tolerance}, but differs by {difference:.2g}"
            )
    return difference


class _Stage(nn.Module):
    """One of MTCNN's networks, giving only the confidence that there is a face: offsets, confidence(, landmarks)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        offsets, *landmarks, confidence = self.network(pixels)
        return offsets, confidence[:, -1], *landmarks


class _SplitPReLU(nn.Module):
    """PReLU as `slope * x + (1 - slope) * relu(x)`; with its own PRelu, ONNX Runtime needs twice as long for MTCNN."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes.detach().clone(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        slopes = self.slopes.reshape(-1, *[1] * (x.ndim - 2))
        return slopes * x + (1 - slopes) * torch.relu(x)


def quicken(network: nn.Module) -> nn.Module:
    """Return a copy of one of MTCNN's networks that answers the same by quicker arithmetic.

    Every PReLU is split, and the softmax over "no face" and "face" becomes the sigmoid of their difference,
    with the difference already in the weights of the layer before it.
    """
    quick = copy.deepcopy(network)
    for (first, layer), (second, activation) in itertools.pairwise(list(quick.named_children())):
        if isinstance(activation, nn.PReLU):
            setattr(quick, second, _SplitPReLU(activation.weight))
        elif isinstance(activation, nn.Softmax):
            setattr(quick, first, _subtract_outputs(layer))
            setattr(quick, second, nn.Sigmoid())
    return quick


def _subtract_outputs(layer: Any) -> nn.Module:
    """Return a layer whose only output is the second output of `layer` less the first."""
    single = copy.deepcopy(layer)
    single.weight = nn.Parameter((layer.weight[1:] - layer.weight[:1]).detach())
    single.bias = nn.Parameter((layer.bias[1:] - layer.bias[:1]).detach())
    return single


def export_mtcnn(folder: Path) -> dict[str, float]:
    """Write the three networks of MTCNN with their cards into `folder`; return how far each is from torch."""
    names = {0: "images", 2: "height", 3: "width"}
    boxes, landmarks = ["offsets", "confidence"], ["offsets", "confidence", "landmarks"]
    stages: dict[str, tuple[nn.Module, int, list[str], dict[int, str], str]] = {
        "mtcnn_pnet": (PNet(), 61, boxes, names, "P-Net: proposes faces everywhere in a frame"),
        "mtcnn_rnet": (RNet(), 24, boxes, {0: "images"}, "R-Net: refuses most proposals and refines the rest"),
        "mtcnn_onet": (ONet(), 48, landmarks, {0: "images"}, "O-Net: the last word, with five landmarks"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    differences = {}
    for name, (network, size, outputs, dynamic, what) in stages.items():
        path = folder / f"{name}.onnx"
        example = torch.rand(2, 3, size, size + 7 if 2 in dynamic else size) * 2 - 1
        differences[name] = export_onnx(
            _Stage(quicken(network)), path, example, "pixels", outputs, dynamic, original=_Stage(network)
        )
        side = "any height and width from 12" if 2 in dynamic else f"{size}, {size}"
        write_card(
            path.with_suffix(".json"),
            {
                "name": name,
                "what": f"MTCNN's {what}",
                "input": f"pixels (n, 3, {side}) float32, RGB, (value - 127.5) / 128",
                "output": ", ".join(outputs),
                "source": SOURCE,
                "licence": LICENCE,
                "difference_to_torch": differences[name],
                "made_by": "python -m fer_lib.training.export mtcnn",
                "environment": describe_environment(),
            },
        )
    return differences


def _strip(model: Any, dynamic: Mapping[int, str]) -> Any:
    """Remove what the exporter notes for its own debugging, and give the free dimensions readable names."""
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
    names = {sizes[place].dim_param: name for place, name in dynamic.items()}
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
        for place in dynamic:
            shape[place] = 1 + step if place == 0 else shape[place] + 11 * step
        pixels = torch.rand(shape, generator=generator) * 2 - 1
        with torch.inference_mode():
            answers = network.eval()(pixels)
        expected = answers if isinstance(answers, tuple) else (answers,)
        for ours, theirs in zip(session.run(None, {name: pixels.numpy()}), expected, strict=True):
            largest = max(largest, float(np.abs(ours - theirs.numpy()).max()))
    return largest


def main() -> None:
    """Export from the shell."""
    parser = CommandParser("python -m fer_lib.training.export", "Export networks to ONNX, with their cards.")
    parser.add_argument("what", choices=["mtcnn"], help="mtcnn: the face detector's three networks")
    parser.add_argument("--folder", type=Path, default=weights_folder(), help="where to (default: weights/)")
    arguments, _ = parser.parse_words()
    for name, difference in export_mtcnn(arguments.folder).items():
        print(f"{printable(arguments.folder / name)}.onnx equals torch within {difference:.1e}")
