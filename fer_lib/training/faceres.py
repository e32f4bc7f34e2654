"""FaceRes (Savchenko, 2019): a MobileNet that learned to tell people apart on VGGFace2, as a file of TensorFlow.js."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer_lib.crops import CropSpec
from fer_lib.training.mobilenet import BLOCKS, Convolution
from fer_lib.training.tensorflow_js import read_tensorflow_js

MEAN = (103.939, 116.779, 123.68)  # what it subtracts from blue, green and red in [0, 255]
LAYERS = ("conv1", *(f"conv_{kind}_{block}" for block in range(1, len(BLOCKS) + 1) for kind in ("dw", "pw")))


def load_faceres(network: nn.Module, path: Path) -> None:
    """Load its convolutions into a fresh MobileNet; what names the emotion stays as it is.

    Args:
        network: as `build_mobilenet` returns it, for grey or for colour (red, green, blue).
        path: `faceres-deep.json`, beside the `.bin` with the weights.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if they are not those of such a network, or the network is no MobileNet.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, Convolution)]
    if not layers:
        raise ValueError(f"`INITIAL_WEIGHTS={path}` needs `ARCHITECTURE=mobilenet`")
    try:
        held = read_tensorflow_js(path)
        with torch.no_grad():
            for layer, name in zip(layers, LAYERS, strict=True):
                weight, bias = _layer(held, name)
                if name == LAYERS[0]:
                    weight, bias = _take_our_pixels(weight, bias, layer.in_channels)
                layer.weight.copy_(weight.reshape(layer.weight.shape))
                cast(Tensor, layer.bias).copy_(bias)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"`INITIAL_WEIGHTS` must be a file that is there (data/README.md), but there is no {error.filename}"
        ) from None
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"`INITIAL_WEIGHTS` must be faceres-deep.json, but {path} is not: {error}") from None


def _layer(held: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Return weight `(out, in, h, w)` and bias `(out,)` of a convolution with its normalisation, which is mostly merged."""
    bias = held[f"{name}_bn/batchnorm_1/sub"].flatten()
    if "_dw_" in name:
        weight = held[f"{name}/depthwise_kernel"] * held[f"{name}_bn/batchnorm_1/mul"].reshape(-1, 1)
        return weight.permute(2, 3, 0, 1), bias
    return held[f"{name}/convolution/merged_input"].permute(3, 2, 0, 1), bias


def _take_our_pixels(weight: Tensor, bias: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Make the first layer take pixels as `CropSpec` scales them, red first or grey, for its own."""
    middle = 255 * CropSpec.mean - torch.tensor(MEAN).reshape(1, 3, 1, 1)
    bias = bias + (weight * middle).sum((1, 2, 3))
    weight = 255 * CropSpec.std * weight.flip(1)
    return (weight.sum(1, keepdim=True) if channels == 1 else weight), bias
