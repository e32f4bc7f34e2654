"""EfficientNet-Lite2 (Google, 2020), a teacher: B0 scaled in width and depth, ReLU6, no squeeze-and-excitation."""

from __future__ import annotations

from functools import partial

from torch import nn
from torchvision.models import EfficientNet
from torchvision.models.efficientnet import MBConv, MBConvConfig

from fer_lib.labels import EMOTIONS

WIDTH, DEPTH = 1.1, 1.2  # compound scaling: channels and layers of a stage, relative to B0
FEATURES = 1280  # output channels of the last convolution, which is not scaled
# Expansion, kernel, stride, input channels, output channels and layers of each stage of B0.
STAGES = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)


def build_lite2(dropout_rate: float = 0.4, stochastic_depth: float = 0.2) -> EfficientNet:
    """Build the network for RGB input `(n, 3, s, s)`; output: logits `(n, 7)`.

    As in all Lite networks, the channels of the first and last convolution and the depth of the first and last stage are those
    of B0.

    Args:
        dropout_rate: dropout rate before the last layer.
        stochastic_depth: probability of skipping the last block in training, linear from 0 at the first.
    """
    block = partial(MBConv, se_layer=nn.Identity)
    stages = [MBConvConfig(*stage, WIDTH, DEPTH if stage[-1] > 1 else 1.0, block) for stage in STAGES]
    network = EfficientNet(
        stages,
        dropout_rate,
        stochastic_depth,
        num_classes=len(EMOTIONS),
        norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01),
        last_channel=FEATURES,
    )
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6(inplace=True))
    return network
