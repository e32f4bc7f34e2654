"""Random weights in the form of dlib's network for faces, as face-api.js carries it."""

import json

import numpy as np

from fer_lib.training.networks.resnet29 import BLOCKS, FIRST
from fer_lib.training.pretrained import dlib_faces


def draw_dlib():
    """Return random weights under the names of the real file, in its order of axes: height, width, in, out."""
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


def write_dlib(folder, held):
    """Write weights as a manifest and a file of numbers, and return the manifest's path."""
    entries = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in held.items()]
    (folder / "manifest.json").write_text(json.dumps([{"paths": ["faces.bin"], "weights": entries}]))
    (folder / "faces.bin").write_bytes(b"".join(value.tobytes() for value in held.values()))
    return folder / "manifest.json"
