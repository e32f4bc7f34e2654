"""dlib's network for faces starts a ResNet-29: the same answers as its own arithmetic, or a sentence."""

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


def look(held, pixels):
    """Return its features `(n, 256)` of pictures `(n, 3, s, s)`, red first, in [0, 255]."""

    def filter_(images, name, stride, places):
        weight = torch.from_numpy(held[f"{name}/conv/filters"]).permute(3, 2, 0, 1)
        seen = functional.conv2d(images, weight, torch.from_numpy(held[f"{name}/conv/bias"]), stride, places)
        factor, bias = (torch.from_numpy(held[f"{name}/scale/{part}"]) for part in ("weights", "biases"))
        return seen * factor.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1)

    middle = torch.tensor([122.782, 117.001, 104.298]).reshape(1, 3, 1, 1)
    seen = filter_((pixels - middle) / 256, "conv32_down", 2, 0).relu()
    seen = functional.max_pool2d(seen, 3, 2)
    for block, (width, halves) in zip(dlib_faces.BLOCKS, BLOCKS, strict=True):
        after = filter_(seen, f"{block}/conv1", 2 if halves else 1, 0 if halves else 1).relu()
        after = filter_(after, f"{block}/conv2", 1, 1)
        before = functional.avg_pool2d(seen, 2) if halves else seen
        total = torch.zeros(len(seen), width, *before.shape[2:])
        total[:, : before.shape[1]] += before
        total[:, :, : after.shape[2], : after.shape[3]] += after
        seen = total.relu()
    return seen.mean((2, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [118, 150])  # with and without a row and a column that a convolution lacks
def test_load_dlib_sees_what_it_saw(drawn, path, channels, side):
    network = model.build_model(channels, initial_weights=str(path), architecture="resnet29").eval()
    ours = torch.rand(2, channels, side, side)
    with torch.no_grad():
        features = network[:-2]((ours - 0.5) / 0.25)
        expected = look(drawn, 255 * ours.expand(-1, 3, -1, -1))
    assert expected.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-3)


def test_load_dlib_missing_files_are_named(tmp_path, drawn):
    network = model.build_model(1, architecture="resnet29")
    with pytest.raises(FileNotFoundError, match=r"INITIAL_WEIGHTS.*data/README.md.*nowhere.json"):
        load_dlib(network, tmp_path / "nowhere.json")
    path = write_dlib(tmp_path, drawn)
    (tmp_path / "faces.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"faces.bin"):
        load_dlib(network, path)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '[{"paths": [], "weights": [{}]}]'])
def test_load_dlib_other_files_are_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match=r"`INITIAL_WEIGHTS` must be the manifest of dlib's network"):
        load_dlib(model.build_model(1, architecture="resnet29"), tmp_path / "other.json")


def test_load_dlib_into_another_network_is_refused(path):
    with pytest.raises(ValueError, match=r"INITIAL_WEIGHTS=.*needs `ARCHITECTURE=resnet29`"):
        load_dlib(model.build_model(1), path)
