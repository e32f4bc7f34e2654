"""Random weights in the format of dlib's face-recognition network in face-api.js."""

import json

import numpy as np

from fer_lib.training.networks.resnet29 import BLOCKS, FIRST
from fer_lib.training.pretrained import dlib_faces


def draw_dlib():
    """Return random weights with the names and axis order (height, width, in, out) of the original file."""
    random = np.random.default_rng(0)
    weights = {}

    def draw(name, before, after, side):
        weights[f"{name}/conv/filters"] = random.normal(0, (before * side**2) ** -0.5, (side, side, before, after))
        weights[f"{name}/conv/bias"] = random.normal(0, 0.2, after)
        weights[f"{name}/scale/weights"] = random.normal(1, 0.2, after)
        weights[f"{name}/scale/biases"] = random.normal(0, 0.2, after)

    draw("conv32_down", 3, FIRST, 7)
    before = FIRST
    for block, (width, _) in zip(dlib_faces.BLOCKS, BLOCKS, strict=True):
        draw(f"{block}/conv1", before, width, 3)
        draw(f"{block}/conv2", width, width, 3)
        before = width
    return {name: value.astype(np.float32) for name, value in weights.items()}


def write_dlib(folder, weights):
    """Write weights as a manifest and a binary file, and return the manifest's path."""
    entries = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in weights.items()]
    (folder / "manifest.json").write_text(json.dumps([{"paths": ["faces.bin"], "weights": entries}]))
    (folder / "faces.bin").write_bytes(b"".join(value.tobytes() for value in weights.values()))
    return folder / "manifest.json"
