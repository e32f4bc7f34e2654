"""ResNet-18 (He et al., 2016) for images of 48 pixels: a teacher that trains fast from random weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn
from torchvision.models.resnet import BasicBlock

from fer_lib.labels import EMOTIONS

WIDTHS = (64, 128, 256, 512)  # channels of the four stages
BLOCKS = 2  # blocks of two convolutions per stage


def build_resnet(channels: int = 1, dropout_rate: float = 0.4, widths: Sequence[int] = WIDTHS) -> nn.Sequential:
    """Build the network; input `(n, channels, s, s)`, output logits `(n, 7)`.

    The first layer has stride 1, as an image of 48 pixels is small; the side of the last feature map is an eighth of the input.
    """
    stages = [_build_stage(widths[0], widths[0], stride=1)]
    stages += [_build_stage(before, width, stride=2) for before, width in pairwise(widths)]
    return nn.Sequential(
        nn.Conv2d(channels, widths[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        *stages,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout_rate),
        nn.Linear(widths[-1], len(EMOTIONS)),
    )


def _build_stage(before: int, width: int, stride: int) -> nn.Sequential:
    shortcut = None
    if before != width:
        shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
    first = BasicBlock(before, width, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(width, width) for _ in range(BLOCKS - 1)))
