"""dlib's network for faces starts a ResNet-29: the same answers as its own arithmetic, or a sentence."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from fer_lib.training import dlib_faces, model
from fer_lib.training.dlib_faces import load_dlib
from fer_lib.training.resnet29 import BLOCKS, FIRST


@pytest.fixture(scope="module")
def drawn():
    """Random weights under the names of the real file, in its order of axes: height, width, in, out."""
    random = np.random.default_rng(0)
    held = {}

    def draw(name, before, after, side):
        held[f"{name}/conv/filters"] = random.normal(0, (before * side**2) ** -0.5, (side, side, before, after))
        held[f"{name}/conv/bias"] = random.normal(0, 0.2, after)
        held[f"{name}/scale/weights"] = random.normal(1, 0.2, after)
        held[f"{name}/scale/biases"] = random.normal(0, 0.2, after)

    draw("conv32_down", 3, FIRST, 7)
    before = FIRST
    for block, (width, _) in zip(dlib_faces.BLOCKS, BLOCKS, strict=True):
        draw(f"{block}/conv1", before, width, 3)
        draw(f"{block}/conv2", width, width, 3)
        before = width
    return {name: value.astype(np.float32) for name, value in held.items()}


@pytest.fixture(scope="module")
def path(drawn, tmp_path_factory):
    return write(tmp_path_factory.mktemp("dlib"), drawn)


def write(folder, held):
    entries = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in held.items()]
    (folder / "manifest.json").write_text(json.dumps([{"paths": ["faces.bin"], "weights": entries}]))
    (folder / "faces.bin").write_bytes(b"".join(value.tobytes() for value in held.values()))
    return folder / "manifest.json"


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
    path = write(tmp_path, drawn)
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
