"""Train in float64, so that one process and two differ by less than float32 rounding."""

import sys
from unittest.mock import patch

import torch

from fer_lib.training import model
from fer_lib.training.__main__ import main
from fer_lib.training.learning import batches, learner


class DoubleBatches(batches.Batches):
    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.targets = self.targets.double()

    def _normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        return super()._normalize(pixels).double()


def build_double(*arguments) -> torch.nn.Module:
    return model.build_model(*arguments).double()


if __name__ == "__main__":
    with (
        patch("fer_lib.training.learning.loop.Batches", DoubleBatches),
        patch.object(learner, "build_model", build_double),
        patch("fer_lib.training.learning.loop.finish_run"),
    ):
        sys.exit(main(sys.argv[1:]))
