"""A trained network leaves the room: an ONNX file that equals it, the card that describes it, the curves that led to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import compute_metrics, fit_temperature, softmax
from fer_lib.plots.curves import plot_curves
from fer_lib.settings.training import TrainingSettings
from fer_lib.terminal import printable
from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.model import DESCRIPTIONS
from fer_lib.training.runs.run import DATA_PATHS, STORAGE, Run, describe_environment
from fer_lib.weights import write_card

# Logits may differ by so much when weights are kept in 16 bits, and probabilities by a quarter of it.
ROUNDING = 0.02


def publish_curves(run: Run) -> None:
    """Draw loss and scores over the epochs into the run's folder."""
    plot_curves(run.read_metrics()).savefig(run.folder / "curves.svg", bbox_inches="tight")


def offset_answers(
    network: nn.Module, offsets: NDArray[np.float64], logits: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Add offsets `(7,)` to all that a network will answer, in its last layer, and to answers `(n, 7)` that it gave."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.bias.add_(torch.from_numpy(offsets).to(last.bias))
    return logits + offsets.astype(np.float32)


def publish_network(
    run: Run,
    network: nn.Module,
    spec: CropSpec,
    logits: NDArray[np.float32],
    targets: NDArray[np.int64],
    settings: TrainingSettings,
    training: dict[str, Any],
) -> None:
    """Write `emotion.onnx` and its card into the run's folder.

    Args:
        run: where to.
        network: what to export, on the CPU.
        spec: how it sees a face.
        logits: its answers on the validation split, `(n, 7)`.
        targets: the right ones, `(n,)`.
        settings: how it was trained.
        training: epoch and number of images behind it, and `label_offsets`, where the network has some.
    """
    temperature = round(fit_temperature(logits, targets), 4)
    example = torch.zeros(2, spec.channels, spec.size, spec.size)
    difference = _export(network.eval(), run.network, example)
    write_card(
        run.network.with_suffix(".json"),
        {
            "name": "emotion",
            "what": f"{DESCRIPTIONS[settings.architecture]}: a face crop in, logits of seven emotions out",
            "labels": list(EMOTIONS),
            "input": spec.as_dict(),
            "output": "logits (n, 7); probabilities are softmax(logits / temperature)",
            "temperature": temperature,
            "metrics": {"validation": compute_metrics(softmax(logits, temperature), targets)},
            "difference_to_torch": difference,
            "run": run.folder.name,
            "epoch": training["epoch"] + 1,
            "trained_on": training["trained_on"],
            "label_offsets": training.get("label_offsets"),
            "settings": settings.model_dump(mode="json", exclude={*STORAGE, *DATA_PATHS}),
            "environment": describe_environment(),
        },
    )


def _export(network: nn.Module, path: Path, example: torch.Tensor) -> float:
    """Export with weights in 16 bits, or in 32 where the rounding would show, as in a network that has hardly learned."""
    try:
        return export_onnx(network, path, example, "faces", ["logits"], halve=True, tolerance=ROUNDING)
    except (RuntimeError, ValueError) as error:
        print(f"the weights are kept in 32 bits: {printable(error)}")
        return export_onnx(network, path, example, "faces", ["logits"])
