"""What dlib's ResNet-29 learned from faces, as face-api.js carries it: a manifest of TensorFlow.js and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.training.networks.resnet29 import Block
from fer_lib.training.pretrained.tensorflow_js import read_tensorflow_js

MEAN = (122.782, 117.001, 104.298)  # what it subtracts from red, green and blue in [0, 255]
RANGE = 256.0  # and divides by afterwards
BLOCKS = (
    *("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)
LAYERS = ("conv32_down", *(f"{block}/conv{number}" for block in BLOCKS for number in (1, 2)))


def load_dlib(network: nn.Module, path: Path) -> None:
    """Load its layers into a fresh ResNet-29; what names the emotion stays as it is.

    Before it learns on, `estimate_batch_norm` must give its normalisations their statistics: dlib has merged them into factors.

    Args:
        network: as `build_resnet29` returns it, for grey or for colour (red, green, blue).
        path: `face_recognition_model-weights_manifest.json`, beside the `.bin` with the weights.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if they are not those of such a network, or the network is no ResNet-29.
    """
    if not any(isinstance(module, Block) for module in network.modules()):
        raise ValueError(f"`INITIAL_WEIGHTS={path}` needs `ARCHITECTURE=resnet29`")
    plain = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    try:
        held = read_tensorflow_js(path)
        with torch.no_grad():
            for (convolution, norm), name in zip(zip(plain[::2], plain[1::2], strict=True), LAYERS, strict=True):
                _load_layer(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm), held, name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"`INITIAL_WEIGHTS` must be a file that is there (data/README.md), but there is no {error.filename}"
        ) from None
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"`INITIAL_WEIGHTS` must be the manifest of dlib's network, but {path} is not: {error}"
        ) from None


def _load_layer(convolution: nn.Conv2d, norm: nn.BatchNorm2d, held: dict[str, Tensor], name: str) -> None:
    weight, bias = held[f"{name}/conv/filters"].permute(3, 2, 0, 1), held[f"{name}/conv/bias"]
    if name == LAYERS[0]:
        weight, bias = _rescale_input(weight, bias, convolution.in_channels)
    convolution.weight.copy_(weight)
    factor = held[f"{name}/scale/weights"]
    norm.weight.copy_(factor)
    norm.bias.copy_(held[f"{name}/scale/biases"] + factor * bias)
    cast(Tensor, norm.running_mean).zero_()
    cast(Tensor, norm.running_var).fill_(1 - norm.eps)


def _rescale_input(weight: Tensor, bias: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Make the first layer take pixels as `CropSpec` scales them, red first or grey, for its own."""
    middle = (255 * CropSpec.mean - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / RANGE
    bias = bias + (weight * middle).sum((1, 2, 3))
    weight = weight * (255 * CropSpec.std / RANGE)
    return (weight.sum(1, keepdim=True) if channels == 1 else weight), bias
