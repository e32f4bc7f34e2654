"""Test the network's shapes and initial weights."""

import pytest
import torch
from safetensors.torch import save_file

from fer_lib.training import model
from fer_lib.training.pretrained import imagenet


@pytest.mark.parametrize("channels", [1, 3])
def test_build_model_head_and_output(channels):
    network = model.build_model(channels).eval()
    assert [tuple(layer.weight.shape) for layer in network.classifier if hasattr(layer, "weight")] == [
        (512, 1280),
        (7, 512),
    ]
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 7)


def test_build_model_grey_equals_rgb_of_equal_channels():
    torch.manual_seed(0)
    colour, grey = model.build_model(3).eval(), model.build_model(1).eval()
    weights = colour.state_dict()
    weights["features.0.0.weight"] = weights["features.0.0.weight"].sum(1, keepdim=True)
    grey.load_state_dict(weights)
    image = torch.rand(1, 1, 32, 32)
    assert torch.allclose(grey(image), colour(image.expand(-1, 3, -1, -1)), atol=1e-5)


def test_build_model_from_a_checkpoint(tmp_path):
    first = model.build_model(1)
    save_file({f"model.{k}": v.contiguous() for k, v in first.state_dict().items()}, tmp_path / "c.safetensors")
    second = model.build_model(1, initial_weights=str(tmp_path / "c.safetensors"))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_build_model_missing_checkpoint():
    with pytest.raises(FileNotFoundError, match=r"INITIAL_WEIGHTS.*nowhere\.safetensors"):
        model.build_model(1, initial_weights="nowhere.safetensors")


def test_build_model_imagenet_download_fails(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(imagenet.EfficientNet_B0_Weights.IMAGENET1K_V1.__class__, "get_state_dict", refuse)
    with pytest.raises(RuntimeError, match=r"INITIAL_WEIGHTS=lite0.*INITIAL_WEIGHTS=none"):
        model.build_model(1, initial_weights="imagenet")


@pytest.mark.parametrize(("name", "millions"), [("lite2", 5), ("resnet18-wide", 12), ("resnet29", 6)])
def test_build_model_teachers_output_shape_and_parameter_count(name, millions):
    teacher = model.build_model(1, architecture=name).eval()
    assert teacher(torch.zeros(2, 1, 118, 118)).shape == (2, 7)
    assert (millions - 1) * 1e6 < sum(value.numel() for value in teacher.parameters()) < millions * 1e6


@pytest.mark.parametrize("name", ["resnet18-wide", "resnet29"])
@pytest.mark.parametrize("start", ["lite0", "imagenet"])
def test_build_model_teachers_refuse_weights_of_another_architecture(start, name):
    with pytest.raises(ValueError, match=rf"INITIAL_WEIGHTS.*none or a checkpoint.*ARCHITECTURE={name}.*got {start}"):
        model.build_model(1, initial_weights=start, architecture=name)


@pytest.mark.parametrize(("architecture", "start"), [("b0", "lite2"), ("lite2", "lite0")])
def test_build_model_efficientnet_refuses_weights_of_another_architecture(architecture, start):
    with pytest.raises(
        ValueError, match=rf"`INITIAL_WEIGHTS` must be .*lite.*ARCHITECTURE={architecture}`, but got {start}"
    ):
        build(architecture, start)


def build(architecture: str, start: str):
    return model.build_model(1, initial_weights=start, architecture=architecture)


def test_build_model_lite2_grey_equals_rgb_of_equal_channels():
    grey, colour = build("lite2", "lite2"), model.build_model(3, initial_weights="lite2", architecture="lite2")
    first = "features.0.0.weight"
    assert torch.allclose(grey.state_dict()[first], colour.state_dict()[first].sum(dim=1, keepdim=True), atol=1e-6)
    image = torch.rand(2, 1, 48, 48)
    assert torch.allclose(grey.eval().features(image), colour.eval().features(image.expand(-1, 3, -1, -1)), atol=1e-3)
