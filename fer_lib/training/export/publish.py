"""Export a finished run: ONNX file, model card, training curves."""

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

# Largest difference of logits caused by float16 weights; that of probabilities is at most a quarter of it.
FLOAT16_TOLERANCE = 0.02


def save_curves(run: Run) -> None:
    """Plot loss and scores over the epochs to `curves.svg` in the run's folder."""
    plot_curves(run.read_metrics()).savefig(run.folder / "curves.svg", bbox_inches="tight")


def add_label_offsets(
    network: nn.Module, offsets: NDArray[np.float64], logits: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Add per-class logit offsets `(7,)` to the bias of a network's last layer, and to its logits `(n, 7)`; return these."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.bias.add_(torch.from_numpy(offsets).to(last.bias))
    return logits + offsets.astype(np.float32)


def export_run(
    run: Run,
    network: nn.Module,
    spec: CropSpec,
    logits: NDArray[np.float32],
    targets: NDArray[np.int64],
    settings: TrainingSettings,
    training: dict[str, Any],
) -> None:
    """Write `emotion.onnx` and its model card to the run's folder.

    Args:
        run: run to export.
        network: network to export, on the CPU.
        spec: crop and normalisation of its input.
        logits: its logits on the validation split, `(n, 7)`.
        targets: target indices of the validation split, `(n,)`.
        settings: settings of the training.
        training: `epoch`, `trained_on` (number of training images) and, optionally, `label_offsets`.
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
    """Export with float16 weights, or with float32 if rounding changes the logits by more than `FLOAT16_TOLERANCE`."""
    try:
        return export_onnx(network, path, example, "faces", ["logits"], float16=True, tolerance=FLOAT16_TOLERANCE)
    except (RuntimeError, ValueError) as error:
        print(f"the weights are stored in float32: {printable(error)}")
        return export_onnx(network, path, example, "faces", ["logits"])
