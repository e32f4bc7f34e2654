"""One training step: forward pass, logit-adjusted loss, backward pass, update of weights and EMA.

On a GPU, launching the roughly thousand kernels of a step takes the CPU longer than the GPU needs to execute them. There the
step is captured once as a CUDA graph and then replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from fer_lib.settings.training import TrainingSettings
from fer_lib.training.learning.distillation import Teachers
from fer_lib.training.learning.ema import ExponentialMovingAverage

StepFunction = Callable[[Tensor, Tensor], Tensor]  # images and targets to the loss
WARM_UP_STEPS = 3  # eager steps before capture: the optimizer allocates its state, cuDNN autotunes


@dataclass
class Step:
    """One training step, called with a batch.

    Attributes:
        accelerator: device and processes.
        model: network in training.
        optimizer: optimizer of its weights.
        ema: EMA of its weights; `None`: disabled.
        teachers: teachers whose predictions are blended into the targets; `None`: none.
        settings: precision, gradient clipping.
        adjustment: `(7,)`, added to the logits in the loss only (logit adjustment: Menon et al., 2021); `None`: disabled.
    """

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    ema: ExponentialMovingAverage | None
    teachers: Teachers | None
    settings: TrainingSettings
    adjustment: Tensor | None = None

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Train on a batch and return its loss, a scalar tensor on the device.

        Args:
            images: normalised images, `(n, c, s, s)`.
            targets: `(n, 7)`, rows sum to 1.
        """
        if self.teachers is not None:
            with self._autocast(images):
                targets = self.teachers.blend(images, targets, self.adjustment)
        return self.update(images, targets)

    def update(self, images: Tensor, targets: Tensor) -> Tensor:
        """Update the weights and their EMA; return the loss before the update."""
        with self._autocast(images):
            logits = self.model(images).float()
        if self.adjustment is not None:
            logits = logits + self.adjustment
        loss = nn.functional.cross_entropy(logits, targets)
        self.accelerator.backward(loss)
        if self.settings.clip_norm:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update_parameters(self.accelerator.unwrap_model(self.model))
        return loss.detach()

    def _autocast(self, images: Tensor) -> torch.autocast:
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16")


@dataclass
class CapturedStep:
    """A captured CUDA graph with its static input and output tensors."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    targets: Tensor
    loss: Tensor


@dataclass
class CudaGraphStep(Step):
    """A training step on one GPU: `WARM_UP_STEPS` eager steps, then the replay of one CUDA graph per batch shape."""

    def __post_init__(self) -> None:
        """Start without captured graphs, and enable cuDNN autotuning."""
        self._captured: dict[torch.Size, CapturedStep] = {}
        self._step_counts: Counter[torch.Size] = Counter()
        torch.backends.cudnn.benchmark = True

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Train on a batch, as `Step` does; the returned loss is overwritten by the next step."""
        run_step: StepFunction = super().__call__
        shape = images.shape
        self._step_counts[shape] += 1
        if self._step_counts[shape] <= WARM_UP_STEPS:
            return self._warm_up(run_step, images, targets)
        if shape not in self._captured:
            self._captured[shape] = self._capture(run_step, images.clone(), targets.clone())
        captured = self._captured[shape]
        captured.images.copy_(images)
        captured.targets.copy_(targets)
        captured.graph.replay()
        return captured.loss

    def _warm_up(self, run_step: StepFunction, images: Tensor, targets: Tensor) -> Tensor:
        """Run an eager step on a side stream, as required before graph capture."""
        main, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            loss = run_step(images, targets)
        main.wait_stream(side)
        return loss

    def _capture(self, run_step: StepFunction, images: Tensor, targets: Tensor) -> CapturedStep:
        """Capture a step as a CUDA graph, without executing it."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = run_step(images, targets)
        return CapturedStep(graph, images, targets, loss)
