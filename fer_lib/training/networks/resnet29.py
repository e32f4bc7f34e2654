"""The ResNet-29 of dlib (Davis King, 2017), which learned to tell people apart on three million faces; a teacher.

Where a stage halves, the convolution looks at whole windows only, and the shortcut is a mean of 2×2 without weights:
channels that it lacks are zero, and where the convolution's map is a row and a column short, so is what it adds.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from fer_lib.labels import EMOTIONS

FIRST = 32  # channels of the first layer
# Channels of each block and whether it halves, as dlib has them.
BLOCKS = (
    *((32, False),) * 3,
    *((64, True), *((64, False),) * 3),
    *((128, True), *((128, False),) * 2),
    *((256, True), *((256, False),) * 2, (256, True)),
)


class Block(nn.Module):
    """Two convolutions with normalisations, added to the mean or to a copy of what came in."""

    def __init__(self, before: int, after: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        stride, padding = (2, 0) if halves else (1, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Turn `(n, before, h, w)` into `(n, after, h, w)`, or half that height and width."""
        added = self.layers(features)
        if self.halves:
            features = functional.avg_pool2d(features, 2)
            lacking = (features.shape[3] - added.shape[3], features.shape[2] - added.shape[2])
            added = functional.pad(added, (0, lacking[0], 0, lacking[1]))
            features = functional.pad(features, (0, 0, 0, 0, 0, added.shape[1] - features.shape[1]))
        return functional.relu(features + added)


def build_resnet29(channels: int = 1, dropout_rate: float = 0.4) -> nn.Sequential:
    """Build the network; input `(n, channels, s, s)`, output logits `(n, 7)`; it learned at 150 pixels a side."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, FIRST, 7, stride=2, bias=False),
        nn.BatchNorm2d(FIRST),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
    ]
    before = FIRST
    for width, halves in BLOCKS:
        layers.append(Block(before, width, halves))
        before = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout_rate), nn.Linear(before, len(EMOTIONS))]
    return nn.Sequential(*layers, *head)
