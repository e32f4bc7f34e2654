"""dlib's ResNet-29 (Davis King, 2017), trained for face recognition on three million faces; a teacher.

In a downsampling block the first convolution has stride 2 and no padding, and the shortcut is a 2×2 average pooling without
weights. The shortcut is zero-padded to the channels of the convolutions, and their output, which can be one row and column
smaller, to the height and width of the shortcut.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from fer_lib.labels import EMOTIONS

FIRST = 32  # channels of the first layer
# Channels of each block and whether it downsamples, as in dlib.
BLOCKS = (
    *((32, False),) * 3,
    *((64, True), *((64, False),) * 3),
    *((128, True), *((128, False),) * 2),
    *((256, True), *((256, False),) * 2, (256, True)),
)


class Block(nn.Module):
    """Residual block: two convolutions with batch normalisation, and an identity or average-pooling shortcut."""

    def __init__(self, before: int, after: int, downsamples: bool) -> None:
        super().__init__()
        self.downsamples = downsamples
        stride, padding = (2, 0) if downsamples else (1, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Compute `(n, after, h, w)`, or half that height and width, from `(n, before, h, w)`."""
        residual = self.layers(features)
        if self.downsamples:
            features = functional.avg_pool2d(features, 2)
            missing = (features.shape[3] - residual.shape[3], features.shape[2] - residual.shape[2])
            residual = functional.pad(residual, (0, missing[0], 0, missing[1]))
            features = functional.pad(features, (0, 0, 0, 0, 0, residual.shape[1] - features.shape[1]))
        return functional.relu(features + residual)


def build_resnet29(channels: int = 1, dropout_rate: float = 0.4) -> nn.Sequential:
    """Build the network; input `(n, channels, s, s)`, output logits `(n, 7)`; dlib's weights were trained at 150 pixels."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, FIRST, 7, stride=2, bias=False),
        nn.BatchNorm2d(FIRST),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
    ]
    before = FIRST
    for width, downsamples in BLOCKS:
        layers.append(Block(before, width, downsamples))
        before = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout_rate), nn.Linear(before, len(EMOTIONS))]
    return nn.Sequential(*layers, *head)
