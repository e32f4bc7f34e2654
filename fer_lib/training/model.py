"""Build the emotion network, EfficientNet-B0 (Tan and Le, 2019) with the head 1280→512→7, or a teacher architecture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torchvision.models import EfficientNet, efficientnet_b0

from fer_lib.labels import EMOTIONS
from fer_lib.training.networks.batch_norm_folding import load_onnx_weights
from fer_lib.training.networks.efficientnet_lite import build_lite2
from fer_lib.training.networks.resnet import build_resnet
from fer_lib.training.networks.resnet29 import build_resnet29
from fer_lib.training.pretrained.dlib_faces import load_dlib
from fer_lib.training.pretrained.imagenet import load_imagenet, load_lite0, load_lite2, load_run_weights

FEATURES = 1280
HIDDEN = 512
PRETRAINED = {"imagenet": load_imagenet, "lite0": load_lite0, "lite2": load_lite2}
PRETRAINED_FOR = {"b0": ("imagenet", "lite0"), "lite2": ("lite2",)}  # keys of PRETRAINED by architecture
TEACHERS: dict[str, Callable[[int, float], nn.Module]] = {
    "resnet18-wide": build_resnet,
    "resnet29": build_resnet29,
}
DESCRIPTIONS = {
    "b0": "EfficientNet-B0 with the head 1280→512→7",
    "lite2": "EfficientNet-Lite2",
    "resnet18-wide": "ResNet-18 without the downsampling of its first layers",
    "resnet29": "dlib's ResNet-29 for faces",
}


def build_model(
    channels: int = 1,
    dropout_rate: float = 0.4,
    initial_weights: str = "none",
    stochastic_depth: float = 0.2,
    architecture: str = "b0",
) -> nn.Module:
    """Build the network; input `(n, channels, s, s)`, output logits `(n, 7)`.

    Args:
        channels: 1 for grey, 3 for colour.
        dropout_rate: dropout rate before the last layer.
        initial_weights: `none`, `imagenet` (downloaded by torchvision), `lite0` or `lite2` (ImageNet weights from a
            package), or the path of a checkpoint, of an exported network (`.onnx`) or, for `resnet29`, of the manifest
            (`.json`) of dlib's weights.
        stochastic_depth: probability of skipping the last block in training, linear from 0 at the first (Huang et al.,
            2016); `b0` and `lite2` only.
        architecture: `b0`, or a teacher: `lite2`, `resnet18-wide` or `resnet29`.

    Raises:
        FileNotFoundError: if a checkpoint or the package of `lite0` or `lite2` is missing.
        RuntimeError: if the download of the ImageNet weights fails.
        ValueError: if the ImageNet weights belong to another architecture.
    """
    if initial_weights in PRETRAINED and initial_weights not in PRETRAINED_FOR.get(architecture, ()):
        allowed = ", ".join((*PRETRAINED_FOR.get(architecture, ()), "none or a checkpoint"))
        raise ValueError(
            f"`INITIAL_WEIGHTS` must be {allowed} with `ARCHITECTURE={architecture}`, but got {initial_weights},"
            " the weights of another architecture"
        )
    if architecture in PRETRAINED_FOR:
        network: nn.Module = _build_efficientnet(
            architecture, channels, dropout_rate, initial_weights, stochastic_depth
        )
    else:
        network = TEACHERS[architecture](channels, dropout_rate)
    if initial_weights not in ("none", *PRETRAINED):
        path = Path(initial_weights)
        load = {".json": load_dlib, ".onnx": load_onnx_weights}.get(path.suffix, load_run_weights)
        load(network, path)
    return network.to(memory_format=torch.channels_last)


def _build_efficientnet(
    architecture: str, channels: int, dropout_rate: float, initial_weights: str, stochastic_depth: float
) -> EfficientNet:
    if architecture == "b0":
        network = efficientnet_b0(weights=None, stochastic_depth_prob=stochastic_depth)
    else:
        network = build_lite2(dropout_rate, stochastic_depth)
    if initial_weights in PRETRAINED:
        PRETRAINED[initial_weights](network)
    _set_channels(network, channels)
    if architecture == "b0":
        network.classifier = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Dropout(dropout_rate), nn.Linear(HIDDEN, len(EMOTIONS))
        )
    return network


def _set_channels(network: EfficientNet, channels: int) -> None:
    """Adapt the first convolution to grey input: sum its weights over RGB, equivalent to an RGB input of equal channels."""
    stem = cast(nn.Sequential, network.features[0])
    first = cast(nn.Conv2d, stem[0])
    if channels == first.in_channels:
        return
    grey = nn.Conv2d(channels, first.out_channels, 3, stride=2, padding=1, bias=False)
    grey.weight.data = first.weight.data.sum(dim=1, keepdim=True) / channels * torch.ones(1, channels, 1, 1)
    stem[0] = grey
