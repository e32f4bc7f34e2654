"""Write and read checkpoints, from which a training resumes with equal results.

Tensors are stored in a safetensors file (no pickle, so no code execution), other values in its header. Writes are atomic, so a
complete checkpoint exists at any time. A checksum over all tensors detects later damage; for that case the previous checkpoint
is kept, too.
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
    """A checkpoint file is truncated or its checksum differs."""


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    ema: nn.Module | None,
    progress: dict[str, Any],
    previous: Path | None = None,
) -> None:
    """Write the state of a training atomically.

    Args:
        path: output file, `.safetensors`.
        model: network in training.
        optimizer: optimizer, whose moments are stored; `None` for the weights of a selected epoch.
        ema: EMA of the network, if enabled.
        progress: JSON values, such as the next epoch.
        previous: file that keeps the checkpoint replaced at `path`; `None`: it is discarded.

    Raises:
        OSError: if writing fails, for example on a full disk; the file at `path` is unchanged.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    if ema is not None:
        tensors |= {f"average.{name}": value for name, value in ema.state_dict().items()}
    moments = optimizer.state_dict()["state"] if optimizer is not None else {}
    for index, state in moments.items():
        tensors |= {
            f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items() if value is not None
        }
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    remove_leftovers(path)  # temporary files of killed processes
    try:
        with atomic_write(path) as temporary:
            save_file(tensors, temporary, {"progress": json.dumps(progress), "sum": _checksum(tensors)})
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            if previous is not None and path.is_file():
                _keep_previous(path, previous)
    except SafetensorError as error:
        raise OSError(f"writing the checkpoint {path} failed ({error}); the file is unchanged") from None


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, ema: nn.Module | None = None
) -> dict[str, Any]:
    """Load a checkpoint into network, optimizer and EMA, and return its progress.

    Raises:
        DamagedCheckpointError: if the file is damaged; the arguments are unchanged.
        ValueError: if the checkpoint belongs to another architecture.
    """
    tensors, progress = read_checkpoint(path)
    try:
        model.load_state_dict(_select_prefix(tensors, "model."))
        if ema is not None:
            ema.load_state_dict(_select_prefix(tensors, "average."))
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
            metadata = stream.metadata() or {}
            progress = json.loads(metadata["progress"])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise DamagedCheckpointError(_damage_message(path, str(error))) from None
    if metadata.get("sum", checksum := _checksum(tensors)) != checksum:
        raise DamagedCheckpointError(_damage_message(path, "the checksum differs"))
    return tensors, progress


def _damage_message(path: Path, why: str) -> str:
    return f"the checkpoint {path} is damaged ({why}); delete it to restart the run"


def _checksum(tensors: dict[str, Tensor]) -> str:
    """Return the CRC-32 of all tensors; it detects damage, but not tampering."""
    checksum = 0
    for name in sorted(tensors):
        data = tensors[name].reshape(-1).view(torch.uint8).numpy().data
        checksum = zlib.crc32(data, zlib.crc32(name.encode(), checksum))
    return f"{checksum:08x}"


def _keep_previous(path: Path, previous: Path) -> None:
    """Hard-link `path` as `previous`, or copy it on file systems without hard links."""
    previous.unlink(missing_ok=True)
    try:
        os.link(path, previous)
    except OSError:
        shutil.copyfile(path, previous)


def _select_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimizer_state(tensors: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """Return the moments of each weight in the weight's memory format, which fused optimizers require."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _select_prefix(tensors, "optimizer.").items():
        index, field = name.split(".", 1)
        weight = weights[int(index)]
        moment = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
        state.setdefault(int(index), {})[field] = moment
    return state
