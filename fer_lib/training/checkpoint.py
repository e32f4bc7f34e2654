"""A training in progress becomes a file, and goes on from it as if nothing had happened.

Tensors lie in a safetensors file (no pickle, so no code), numbers in its header; it is written beside the
old one and then takes its name, so there is a whole checkpoint at any moment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    average: nn.Module | None,
    progress: dict[str, Any],
) -> None:
    """Write everything a training needs to go on; complete or not at all.

    Args:
        path: the file, `.safetensors`.
        model: the network in training.
        optimizer: with its moments; `None` for a network that is only kept.
        average: the averaged network, if there is one.
        progress: numbers and texts, stored as JSON.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    moments = optimizer.state_dict()["state"] if optimizer is not None else {}
    for place, state in moments.items():
        tensors |= {
            f"optimizer.{place}.{name}": torch.as_tensor(value) for name, value in state.items() if value is not None
        }
    half = path.with_suffix(".part")
    save_file(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        half,
        {"progress": json.dumps(progress)},
    )
    half.replace(path)


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, average: nn.Module | None = None
) -> dict[str, Any]:
    """Read a checkpoint into the given objects and return its progress.

    Raises:
        ValueError: if the file is damaged or belongs to another network.
    """
    tensors, progress = read_checkpoint(path)
    try:
        model.load_state_dict(_part(tensors, "model."))
        if average is not None:
            average.load_state_dict(_part(tensors, "average."))
    except RuntimeError as error:
        raise ValueError(f"the checkpoint {path} belongs to another network: {str(error).splitlines()[0]}") from None
    if optimizer is not None:
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _optimizer_state(tensors)})
    return progress


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and the progress of a checkpoint.

    Raises:
        ValueError: if the file is damaged.
    """
    try:
        with safe_open(path, "pt") as stream:
            progress = json.loads((stream.metadata() or {})["progress"])
            return {name: stream.get_tensor(name) for name in stream.keys()}, progress  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"the checkpoint {path} is damaged ({error}); delete it to start the run anew") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimizer_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer.").items():
        place, field = name.split(".", 1)
        state.setdefault(int(place), {})[field] = value
    return state
