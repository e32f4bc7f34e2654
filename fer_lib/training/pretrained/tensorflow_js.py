"""Weights as TensorFlow.js keeps them: a `.json` that names them, and files with their numbers."""

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
    """Read the weights that a model or a manifest of TensorFlow.js names; those kept in fewer bits get 32 again.

    Raises:
        FileNotFoundError: if a file is missing.
        KeyError, TypeError, ValueError: if it is no such file, or its weights are not plain numbers.
    """
    found: dict[str, Tensor] = {}
    told = json.loads(path.read_text(encoding="utf-8"))
    for group in told if isinstance(told, list) else told["weightsManifest"]:
        numbers = b"".join((path.parent / Path(name).name).read_bytes() for name in group["paths"])
        start = 0
        for entry in group["weights"]:
            packed = entry.get("quantization")
            kind, count = TYPES[(packed or entry)["dtype"]], prod(entry["shape"])
            values = np.frombuffer(numbers, kind, count, start).reshape(entry["shape"])
            found[entry["name"]] = torch.from_numpy(_unpack(values, packed))
            start += count * kind.itemsize
    return found


def _unpack(values: np.ndarray[Any, Any], packed: dict[str, Any] | None) -> np.ndarray[Any, Any]:
    if packed is None:
        return values.astype(values.dtype.newbyteorder("="))
    return (values * packed["scale"] + packed["min"]).astype(np.float32)
