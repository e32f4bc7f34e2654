"""MobileNet (Howard et al., 2017) without normalisations: to start from a network that knows faces; a teacher."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from fer_lib.labels import EMOTIONS

# Channels of the first layer, then channels and stride of each block, as the paper has them.
FIRST = 32
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


class Convolution(nn.Conv2d):
    """A convolution that pads as TensorFlow does: below and on the right first, where a stride leaves a choice."""

    def __init__(self, before: int, after: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, side, stride, padding=side // 2 if stride == 1 else 0, groups=groups)

    def forward(self, images: Tensor) -> Tensor:
        """Filter `(n, c, h, w)`."""
        side, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            lacking = [(-(-length // stride) - 1) * stride + side - length for length in images.shape[:1:-1]]
            images = functional.pad(images, [part for lack in lacking for part in (lack // 2, lack - lack // 2)])
        return super().forward(images)


def build_mobilenet(channels: int = 1, dropout_rate: float = 0.4) -> nn.Sequential:
    """Build the network; input `(n, channels, s, s)`, output logits `(n, 7)`.

    The normalisations of the paper are not there: weights that were learned with them hold them already.
    """
    layers: list[nn.Module] = [Convolution(channels, FIRST, 3, stride=2), nn.ReLU6(inplace=True)]
    before = FIRST
    for width, stride in BLOCKS:
        layers += [Convolution(before, before, 3, stride, groups=before), nn.ReLU6(inplace=True)]
        layers += [Convolution(before, width, 1), nn.ReLU6(inplace=True)]
        before = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout_rate), nn.Linear(before, len(EMOTIONS))]
    return nn.Sequential(*layers, *head)
