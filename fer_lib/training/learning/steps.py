"""One training step: forward pass, logit-adjusted loss, backward pass, update of weights and EMA.

A graphics card executes the thousand kernels of such a step sooner than a processor can launch them one by one. There
the step is captured once, as a CUDA graph, and then replayed as a whole.
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

Take = Callable[[Tensor, Tensor], Tensor]  # images and targets in, the loss out
WARM_UP = 3  # steps before one is recorded, in which the optimizer makes its moments and the card chooses its ways


@dataclass
class Step:
    """One training step; call it with a batch.

    Attributes:
        accelerator: where it happens.
        model: the network in training.
        optimizer: of its weights.
        average: EMA of its weights, if there is one.
        teachers: whose predictions are blended into the targets, if there are any.
        settings: precision, gradient clipping.
        adjustment: `(7,)`, added to the logits in the loss only (logit adjustment: Menon et al., 2021); `None`: nothing.
    """

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: ExponentialMovingAverage | None
    teachers: Teachers | None
    settings: TrainingSettings
    adjustment: Tensor | None = None

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Learn from a batch and return its loss, a scalar that stays on the device.

        Args:
            images: `(n, c, s, s)`, as the network takes them.
            targets: `(n, 7)`, rows sum to 1.
        """
        if self.teachers is not None:
            with self._arithmetic(images):
                targets = self.teachers.blend(images, targets, self.adjustment)
        return self.learn(images, targets)

    def learn(self, images: Tensor, targets: Tensor) -> Tensor:
        """Update the weights and their EMA, and return the loss before."""
        with self._arithmetic(images):
            logits = self.model(images).float()
        if self.adjustment is not None:
            logits = logits + self.adjustment
        loss = nn.functional.cross_entropy(logits, targets)
        self.accelerator.backward(loss)
        if self.settings.clip_norm:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update_parameters(self.accelerator.unwrap_model(self.model))
        return loss.detach()

    def _arithmetic(self, images: Tensor) -> torch.autocast:
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16")


@dataclass
class Recording:
    """A step that a card can play back, and the places that it reads from and writes to."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    targets: Tensor
    loss: Tensor


@dataclass
class CudaGraphStep(Step):
    """A step on one graphics card: the first few as they come, then one recording for each shape of batch, played back."""

    def __post_init__(self) -> None:
        """Begin without recordings, and let the card choose the quickest of its convolutions."""
        self._recordings: dict[torch.Size, Recording] = {}
        self._taken: Counter[torch.Size] = Counter()
        torch.backends.cudnn.benchmark = True

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Do what `Step` does; the next step writes over the loss."""
        take: Take = super().__call__
        shape = images.shape
        self._taken[shape] += 1
        if self._taken[shape] <= WARM_UP:
            return self._rehearse(take, images, targets)
        if shape not in self._recordings:
            self._recordings[shape] = self._record(take, images.clone(), targets.clone())
        recording = self._recordings[shape]
        recording.images.copy_(images)
        recording.targets.copy_(targets)
        recording.graph.replay()
        return recording.loss

    def _rehearse(self, take: Take, images: Tensor, targets: Tensor) -> Tensor:
        """Take a step beside the main stream, as those before a recording must be."""
        main, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(main)
        with torch.cuda.stream(beside):
            loss = take(images, targets)
        main.wait_stream(beside)
        return loss

    def _record(self, take: Take, images: Tensor, targets: Tensor) -> Recording:
        """Write down what a step asks of the card, which does nothing of it yet."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = take(images, targets)
        return Recording(graph, images, targets, loss)
