"""Load dlib's ResNet-29 face-recognition weights in the TensorFlow.js format of face-api.js."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.training.networks.resnet29 import Block
from fer_lib.training.pretrained.tensorflow_js import read_tensorflow_js

MEAN = (122.782, 117.001, 104.298)  # dlib's mean of red, green and blue in [0, 255]
RANGE = 256.0  # dlib's divisor after subtracting the mean
BLOCKS = (
    *("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)
LAYERS = ("conv32_down", *(f"{block}/conv{number}" for block in BLOCKS for number in (1, 2)))


def load_dlib(network: nn.Module, path: Path) -> None:
    """Load dlib's convolutional layers into a new ResNet-29; the classifier is unchanged.

    dlib has folded batch-norm statistics into scale factors; call `estimate_batch_norm` before training the network.

    Args:
        network: new network of `build_resnet29`, for grey or RGB input.
        path: `face_recognition_model-weights_manifest.json`, in the folder of the `.bin` file with the weights.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the files are not dlib's weights, or the network is not a ResNet-29.
    """
    if not any(isinstance(module, Block) for module in network.modules()):
        raise ValueError(f"`ARCHITECTURE` must be resnet29 with `INITIAL_WEIGHTS={path}`")
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    try:
        weights = read_tensorflow_js(path)
        with torch.no_grad():
            for (convolution, norm), name in zip(zip(layers[::2], layers[1::2], strict=True), LAYERS, strict=True):
                _load_layer(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm), weights, name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"`INITIAL_WEIGHTS` must be an existing file (see data/README.md), but got {error.filename}"
        ) from None
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"`INITIAL_WEIGHTS` must be the manifest of dlib's network, but {path} is not: {error}"
        ) from None


def _load_layer(convolution: nn.Conv2d, norm: nn.BatchNorm2d, weights: dict[str, Tensor], name: str) -> None:
    weight, bias = weights[f"{name}/conv/filters"].permute(3, 2, 0, 1), weights[f"{name}/conv/bias"]
    if name == LAYERS[0]:
        weight, bias = _rescale_input(weight, bias, convolution.in_channels)
    convolution.weight.copy_(weight)
    factor = weights[f"{name}/scale/weights"]
    norm.weight.copy_(factor)
    norm.bias.copy_(weights[f"{name}/scale/biases"] + factor * bias)
    cast(Tensor, norm.running_mean).zero_()
    cast(Tensor, norm.running_var).fill_(1 - norm.eps)


def _rescale_input(weight: Tensor, bias: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Convert the first layer from dlib's normalisation to that of `CropSpec`, for RGB or grey input."""
    offset = (255 * CropSpec.mean - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / RANGE
    bias = bias + (weight * offset).sum((1, 2, 3))
    weight = weight * (255 * CropSpec.std / RANGE)
    return (weight.sum(1, keepdim=True) if channels == 1 else weight), bias
