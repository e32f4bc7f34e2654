"""The perturbation flip rate counts labels that change when the box is shifted."""

import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.flip_rate import measure_flip_rate
from fer_lib.evaluate.predictions import Predictions, predict_logits


class OnePixelNetwork:
    """Classify by the grey level of one pixel: bright is happy, dark is sad."""

    spec = CropSpec(size=100)

    def __init__(self, row: int, column: int) -> None:
        self.pixel = (row, column)

    def logits(self, images: np.ndarray) -> np.ndarray:
        bright = images[:, *self.pixel, 0] > 128
        return np.eye(7, dtype=np.float32)[np.where(bright, 3, 5)]


@pytest.mark.parametrize(("column", "low", "high"), [(20, 0.0, 0.0), (49, 0.2, 0.6)])
def test_measure_flip_rate_counts_changed_labels(column, low, high):
    images = np.zeros((200, 100, 100, 1), np.uint8)
    images[:, :, 50:] = 255  # an edge, right of the centre
    network = OnePixelNetwork(50, column)
    split = Split("validation", images, np.zeros(200, np.int64), ("",) * 200)
    measured = measure_flip_rate(network, Predictions(split, predict_logits(network, images)))
    assert low <= measured["perturbation_flip_rate"] <= high
    below, above = measured["perturbation_flip_rate_ci95"]
    assert below <= measured["perturbation_flip_rate"] <= above
