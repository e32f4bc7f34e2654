"""Test the reading of TensorFlow.js weights: float32, quantised, invalid files."""

import json

import numpy as np
import pytest
import torch

from fer_lib.training.pretrained.tensorflow_js import read_tensorflow_js

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3) / 7


def write(folder, manifest, numbers):
    (folder / "numbers.bin").write_bytes(numbers)
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder / "model.json"


def make_group(**more):
    return {"paths": ["numbers.bin"], "weights": [{"name": "one", "shape": [2, 3], "dtype": "float32", **more}]}


@pytest.mark.parametrize("wrap", [lambda group: [group], lambda group: {"weightsManifest": [group]}])
def test_read_tensorflow_js_from_manifest_and_model(tmp_path, wrap):
    weights = read_tensorflow_js(write(tmp_path, wrap(make_group()), VALUES.astype("<f4").tobytes()))
    assert torch.equal(weights["one"], torch.from_numpy(VALUES))


@pytest.mark.parametrize(("kind", "steps"), [("uint8", 255), ("uint16", 65535)])
def test_read_tensorflow_js_quantised(tmp_path, kind, steps):
    low, scale = -1.0, 2 / steps
    packed = np.rint((VALUES - low) / scale).astype(np.dtype(kind).newbyteorder("<"))
    manifest = [make_group(quantization={"dtype": kind, "scale": scale, "min": low})]
    weights = read_tensorflow_js(write(tmp_path, manifest, packed.tobytes()))
    assert weights["one"].dtype == torch.float32
    torch.testing.assert_close(weights["one"], torch.from_numpy(VALUES), rtol=0, atol=0.51 * scale)


def test_read_tensorflow_js_several_weights(tmp_path):
    group = make_group()
    group["weights"].append({"name": "two", "shape": [], "dtype": "int32"})
    path = write(tmp_path, [group], VALUES.astype("<f4").tobytes() + np.array(5, "<i4").tobytes())
    assert read_tensorflow_js(path)["two"].item() == 5


def test_read_tensorflow_js_truncated_file(tmp_path):
    with pytest.raises(ValueError, match="buffer"):
        read_tensorflow_js(write(tmp_path, [make_group()], b"short"))


def test_read_tensorflow_js_unknown_dtype(tmp_path):
    with pytest.raises(KeyError, match="float16"):
        read_tensorflow_js(write(tmp_path, [make_group(quantization={"dtype": "float16"})], b""))
