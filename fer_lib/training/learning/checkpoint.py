"""A training in progress becomes a file, and goes on from it as if nothing had happened.

Tensors lie in a safetensors file (no pickle, so no code), numbers in its header; it is written beside the
old one and then takes its name, so there is a whole checkpoint at any moment. A sum over all numbers tells a file that
was damaged later, and the checkpoint before the last one is kept for that day.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fer_lib.atomic_write import atomic_write, remove_leftovers


class DamagedCheckpointError(ValueError):
    """A checkpoint is not as it was written."""


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    average: nn.Module | None,
    progress: dict[str, Any],
    previous: Path | None = None,
) -> None:
    """Write everything a training needs to go on; complete or not at all.

    Args:
        path: the file, `.safetensors`.
        model: the network in training.
        optimizer: with its moments; `None` for a network that is only kept.
        average: the averaged network, if there is one.
        progress: numbers and texts, stored as JSON.
        previous: where the checkpoint that was at `path` is kept, if it is.

    Raises:
        OSError: if it can't be written, as when the disk is full; what was at `path` stays.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    moments = optimizer.state_dict()["state"] if optimizer is not None else {}
    for place, state in moments.items():
        tensors |= {
            f"optimizer.{place}.{name}": torch.as_tensor(value) for name, value in state.items() if value is not None
        }
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    remove_leftovers(path)  # of a training that was killed while it wrote
    try:
        with atomic_write(path) as half:
            save_file(tensors, half, {"progress": json.dumps(progress), "sum": _sum(tensors)})
            with half.open("rb") as stream:
                os.fsync(stream.fileno())
            if previous is not None and path.is_file():
                _keep(path, previous)
    except SafetensorError as error:
        raise OSError(f"the checkpoint {path} can't be written ({error}); what was there stays") from None


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, average: nn.Module | None = None
) -> dict[str, Any]:
    """Read a checkpoint into the given objects and return its progress.

    Raises:
        DamagedCheckpointError: if the file is damaged; nothing has changed.
        ValueError: if it belongs to another network.
    """
    tensors, progress = read_checkpoint(path)
    try:
        model.load_state_dict(_part(tensors, "model."))
        if average is not None:
            average.load_state_dict(_part(tensors, "average."))
    except RuntimeError as error:
        raise ValueError(f"the checkpoint {path} belongs to another network: {str(error).splitlines()[0]}") from None
    if optimizer is not None:
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _optimizer_state(tensors, optimizer)})
    return progress


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and the progress of a checkpoint.

    Raises:
        DamagedCheckpointError: if the file is damaged.
    """
    try:
        with safe_open(path, "pt") as stream:
            told = stream.metadata() or {}
            progress = json.loads(told["progress"])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise DamagedCheckpointError(_in_a_sentence(path, str(error))) from None
    if told.get("sum", found := _sum(tensors)) != found:
        raise DamagedCheckpointError(_in_a_sentence(path, "its numbers have changed"))
    return tensors, progress


def _in_a_sentence(path: Path, why: str) -> str:
    return f"the checkpoint {path} is damaged ({why}); delete it to start the run anew"


def _sum(tensors: dict[str, Tensor]) -> str:
    """Return a checksum over all tensors (CRC-32): it finds damage, and is no protection against forgery."""
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, zlib.crc32(name.encode(), found))
    return f"{found:08x}"


def _keep(path: Path, previous: Path) -> None:
    """Let `previous` name the same file as `path`, or hold a copy where a file can have only one name."""
    previous.unlink(missing_ok=True)
    try:
        os.link(path, previous)
    except OSError:
        shutil.copyfile(path, previous)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimizer_state(tensors: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """Return the moments of each weight, laid out in memory as the weight is: fused optimizers look at nothing else."""
    learned = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer.").items():
        place, field = name.split(".", 1)
        like = learned[int(place)]
        laid = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(place), {})[field] = laid
    return state
