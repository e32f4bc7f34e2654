"""Export MTCNN's three networks to ONNX: `python -m fer_lib.training.export mtcnn`."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn

from fer_lib.command_line import CommandParser
from fer_lib.terminal import printable
from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.runs.run import describe_environment
from fer_lib.weights import weights_folder, write_card

LICENCE = "MIT"
SOURCE = (
    "the weights inside the facenet-pytorch package (Tim Esler, MIT), converted from David Sandberg's facenet (MIT), "
    "which took them from the authors of MTCNN (Zhang et al., 2016, Joint Face Detection and Alignment using "
    "Multi-task Cascaded Convolutional Networks)"
)


class _Stage(nn.Module):
    """One of MTCNN's networks with the outputs offsets, confidence(, landmarks); confidence is the probability of a face."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        offsets, *landmarks, confidence = self.network(pixels)
        return offsets, confidence[:, -1], *landmarks


class _SplitPReLU(nn.Module):
    """PReLU as `slope * x + (1 - slope) * relu(x)`; with the operator PRelu, MTCNN takes twice as long in ONNX Runtime."""

    def __init__(self, slopes: Tensor) -> None:
        super().__init__()
        self.slopes = nn.Parameter(slopes.detach().clone(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        slopes = self.slopes.reshape(-1, *[1] * (x.ndim - 2))
        return slopes * x + (1 - slopes) * torch.relu(x)


def optimize_mtcnn(network: nn.Module) -> nn.Module:
    """Return a copy of one of MTCNN's networks, rewritten for speed with equal outputs.

    PReLU is split (`_SplitPReLU`), and the softmax over "no face" and "face" becomes the sigmoid of their logit difference,
    which is folded into the weights of the layer before it.
    """
    optimized = copy.deepcopy(network)
    for (first, layer), (second, activation) in itertools.pairwise(list(optimized.named_children())):
        if isinstance(activation, nn.PReLU):
            setattr(optimized, second, _SplitPReLU(activation.weight))
        elif isinstance(activation, nn.Softmax):
            setattr(optimized, first, _subtract_outputs(layer))
            setattr(optimized, second, nn.Sigmoid())
    return optimized


def _subtract_outputs(layer: Any) -> nn.Module:
    """Return a layer with one output: the second output of `layer` minus the first."""
    single = copy.deepcopy(layer)
    single.weight = nn.Parameter((layer.weight[1:] - layer.weight[:1]).detach())
    single.bias = nn.Parameter((layer.bias[1:] - layer.bias[:1]).detach())
    return single


def export_mtcnn(folder: Path) -> dict[str, float]:
    """Export MTCNN's three networks with their cards to `folder`; return each one's largest difference to torch."""
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
            _Stage(optimize_mtcnn(network)), path, example, "pixels", outputs, dynamic, original=_Stage(network)
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


def main() -> None:
    """Run the command line."""
    parser = CommandParser("python -m fer_lib.training.export", "Export networks to ONNX with their model cards.")
    parser.add_argument("what", choices=["mtcnn"], help="mtcnn: the face detector's three networks")
    parser.add_argument("--folder", type=Path, default=weights_folder(), help="output folder (default: weights/)")
    arguments, _ = parser.parse_words()
    for name, difference in export_mtcnn(arguments.folder).items():
        print(f"{printable(arguments.folder / name)}.onnx written; largest difference to torch {difference:.1e}")
