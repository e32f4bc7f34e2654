"""FaceRes starts a MobileNet: the same answers as its own arithmetic, or a sentence."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fer_lib.training import faceres, model
from fer_lib.training.faceres import load_faceres
from fer_lib.training.mobilenet import BLOCKS, FIRST


@pytest.fixture(scope="module")
def drawn():
    """Random weights under the names of the real file, in its order of axes: height, width, in, out."""
    random = np.random.default_rng(0)

    def draw(*shape, scale):
        return random.normal(0, scale, shape).astype(np.float32)

    held = {"conv1/convolution/merged_input": draw(3, 3, 3, FIRST, scale=0.005)}
    held["conv1_bn/batchnorm_1/sub"] = draw(1, 1, 1, FIRST, scale=0.5)
    before = FIRST
    for number, (width, _) in enumerate(BLOCKS, 1):
        held[f"conv_dw_{number}/depthwise_kernel"] = draw(3, 3, before, 1, scale=0.5)
        held[f"conv_dw_{number}_bn/batchnorm_1/mul"] = 1 + draw(before, scale=0.1)
        held[f"conv_dw_{number}_bn/batchnorm_1/sub"] = draw(before, scale=0.5)
        held[f"conv_pw_{number}/convolution/merged_input"] = draw(1, 1, before, width, scale=before**-0.5)
        held[f"conv_pw_{number}_bn/batchnorm_1/sub"] = draw(1, 1, 1, width, scale=0.5)
        before = width
    return held


@pytest.fixture(scope="module")
def path(drawn, tmp_path_factory):
    return write(tmp_path_factory.mktemp("faceres"), drawn)


def write(folder, held, **more):
    entries = [{"name": name, "shape": list(value.shape), "dtype": "float32", **more} for name, value in held.items()]
    manifest = [{"paths": ["faceres-deep.bin"], "weights": entries}]
    (folder / "faceres-deep.json").write_text(json.dumps({"weightsManifest": manifest}))
    (folder / "faceres-deep.bin").write_bytes(b"".join(value.tobytes() for value in held.values()))
    return folder / "faceres-deep.json"


def look(held, pixels):
    """Return its features `(n, 1024)` of pictures `(n, 3, s, s)`, blue first, in [0, 255]; `s` halves five times."""

    def filter_(images, name, stride):
        weight = torch.from_numpy(held[name])
        if stride == 2:
            images = functional.pad(images, (0, 1, 0, 1))
        if name.endswith("depthwise_kernel"):
            places = 1 if stride == 1 else 0
            return functional.conv2d(images, weight.permute(2, 3, 0, 1), None, stride, places, groups=len(images[0]))
        return functional.conv2d(images, weight.permute(3, 2, 0, 1), None, stride)

    def shift(images, name):
        return (images + torch.from_numpy(held[f"{name}_bn/batchnorm_1/sub"]).reshape(1, -1, 1, 1)).clamp(0, 6)

    seen = pixels - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
    seen = shift(filter_(seen, "conv1/convolution/merged_input", 2), "conv1")
    for number, (_, stride) in enumerate(BLOCKS, 1):
        seen = filter_(seen, f"conv_dw_{number}/depthwise_kernel", stride)
        scale = torch.from_numpy(held[f"conv_dw_{number}_bn/batchnorm_1/mul"])
        seen = shift(seen * scale.reshape(1, -1, 1, 1), f"conv_dw_{number}")
        seen = shift(filter_(seen, f"conv_pw_{number}/convolution/merged_input", 1), f"conv_pw_{number}")
    return seen.mean((2, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_load_faceres_sees_what_it_saw(drawn, path, channels):
    network = model.build_model(channels, initial_weights=str(path), architecture="mobilenet").eval()
    ours = torch.rand(2, channels, 64, 64)
    theirs = 255 * ours.flip(1).expand(-1, 3, -1, -1)
    with torch.no_grad():
        features = network[:-2]((ours - 0.5) / 0.25)
        expected = look(drawn, theirs)
    assert expected.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-3)


def test_load_faceres_missing_files_are_named(tmp_path, drawn):
    network = model.build_model(1, architecture="mobilenet")
    with pytest.raises(FileNotFoundError, match=r"INITIAL_WEIGHTS.*data/README.md.*nowhere.json"):
        load_faceres(network, tmp_path / "nowhere.json")
    path = write(tmp_path, drawn)
    path.with_suffix(".bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"faceres-deep.bin"):
        load_faceres(network, path)


def test_load_faceres_other_files_are_refused(tmp_path, drawn):
    network = model.build_model(1, architecture="mobilenet")
    for text in ("{", "{}", "[]", json.dumps({"weightsManifest": [{"paths": [], "weights": [{}]}]})):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(ValueError, match=r"`INITIAL_WEIGHTS` must be faceres-deep.json"):
            load_faceres(network, tmp_path / "other.json")
    with pytest.raises(ValueError, match=r"`INITIAL_WEIGHTS` must be faceres-deep.json.*float16"):
        load_faceres(network, write(tmp_path, drawn, quantization={"dtype": "float16"}))
    write(tmp_path, drawn).with_suffix(".bin").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"`INITIAL_WEIGHTS` must be faceres-deep.json"):
        load_faceres(network, tmp_path / "faceres-deep.json")


def test_load_faceres_into_another_network_is_refused(path):
    with pytest.raises(ValueError, match=r"INITIAL_WEIGHTS=.*needs `ARCHITECTURE=mobilenet`"):
        model.build_model(1, initial_weights=str(path))


def test_layers_are_those_of_the_network():
    network = model.build_model(1, architecture="mobilenet")
    assert len(faceres.LAYERS) == sum(isinstance(layer, nn.Conv2d) for layer in network)
