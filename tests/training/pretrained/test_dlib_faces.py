"""Test the loading of dlib's weights into a ResNet-29 against a reference implementation of dlib's network."""

import pytest
import torch
from torch.nn import functional

from fer_lib.training import model
from fer_lib.training.networks.resnet29 import BLOCKS
from fer_lib.training.pretrained import dlib_faces
from fer_lib.training.pretrained.dlib_faces import load_dlib
from tests.training.drawn_dlib import draw_dlib, write_dlib


@pytest.fixture(scope="module")
def drawn():
    return draw_dlib()


@pytest.fixture(scope="module")
def path(drawn, tmp_path_factory):
    return write_dlib(tmp_path_factory.mktemp("dlib"), drawn)


def reference_features(weights, pixels):
    """Compute dlib's features `(n, 256)` of RGB images `(n, 3, s, s)` in [0, 255] with plain convolutions."""

    def convolve(images, name, stride, padding):
        weight = torch.from_numpy(weights[f"{name}/conv/filters"]).permute(3, 2, 0, 1)
        convolved = functional.conv2d(images, weight, torch.from_numpy(weights[f"{name}/conv/bias"]), stride, padding)
        factor, bias = (torch.from_numpy(weights[f"{name}/scale/{part}"]) for part in ("weights", "biases"))
        return convolved * factor.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1)

    mean = torch.tensor([122.782, 117.001, 104.298]).reshape(1, 3, 1, 1)
    features = convolve((pixels - mean) / 256, "conv32_down", 2, 0).relu()
    features = functional.max_pool2d(features, 3, 2)
    for block, (width, halves) in zip(dlib_faces.BLOCKS, BLOCKS, strict=True):
        after = convolve(features, f"{block}/conv1", 2 if halves else 1, 0 if halves else 1).relu()
        after = convolve(after, f"{block}/conv2", 1, 1)
        before = functional.avg_pool2d(features, 2) if halves else features
        total = torch.zeros(len(features), width, *before.shape[2:])
        total[:, : before.shape[1]] += before
        total[:, :, : after.shape[2], : after.shape[3]] += after
        features = total.relu()
    return features.mean((2, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [118, 150])  # with and without padding of the downsampling blocks
def test_load_dlib_equals_reference(drawn, path, channels, side):
    network = model.build_model(channels, initial_weights=str(path), architecture="resnet29").eval()
    images = torch.rand(2, channels, side, side)
    with torch.no_grad():
        features = network[:-2]((images - 0.5) / 0.25)
        expected = reference_features(drawn, 255 * images.expand(-1, 3, -1, -1))
    assert expected.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-3)


def test_load_dlib_missing_files(tmp_path, drawn):
    network = model.build_model(1, architecture="resnet29")
    with pytest.raises(FileNotFoundError, match=r"INITIAL_WEIGHTS.*data/README.md.*nowhere.json"):
        load_dlib(network, tmp_path / "nowhere.json")
    path = write_dlib(tmp_path, drawn)
    (tmp_path / "faces.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"faces.bin"):
        load_dlib(network, path)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '[{"paths": [], "weights": [{}]}]'])
def test_load_dlib_refuses_other_files(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match=r"`INITIAL_WEIGHTS` must be the manifest of dlib's network"):
        load_dlib(model.build_model(1, architecture="resnet29"), tmp_path / "other.json")


def test_load_dlib_refuses_another_architecture(path):
    with pytest.raises(ValueError, match=r"`ARCHITECTURE` must be resnet29 with `INITIAL_WEIGHTS="):
        load_dlib(model.build_model(1), path)
