"""Read weights in the TensorFlow.js format: a JSON manifest and binary files."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

TYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "uint8": np.dtype("u1"),
    "uint16": np.dtype("<u2"),
}


def read_tensorflow_js(path: Path) -> dict[str, Tensor]:
    """Read the weights of a TensorFlow.js model or weights manifest; quantised weights are converted to float32.

    Raises:
        FileNotFoundError: if a file is missing.
        KeyError, TypeError, ValueError: if the file is not in this format, or a data type is unsupported.
    """
    weights: dict[str, Tensor] = {}
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for group in manifest if isinstance(manifest, list) else manifest["weightsManifest"]:
        data = b"".join((path.parent / Path(name).name).read_bytes() for name in group["paths"])
        start = 0
        for entry in group["weights"]:
            quantization = entry.get("quantization")
            dtype, count = TYPES[(quantization or entry)["dtype"]], prod(entry["shape"])
            values = np.frombuffer(data, dtype, count, start).reshape(entry["shape"])
            weights[entry["name"]] = torch.from_numpy(_dequantize(values, quantization))
            start += count * dtype.itemsize
    return weights


def _dequantize(values: np.ndarray[Any, Any], quantization: dict[str, Any] | None) -> np.ndarray[Any, Any]:
    if quantization is None:
        return values.astype(values.dtype.newbyteorder("="))
    return (values * quantization["scale"] + quantization["min"]).astype(np.float32)
