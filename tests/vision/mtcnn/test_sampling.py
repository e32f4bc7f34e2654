"""Area sampling; oracle: area interpolation of torch."""

import numpy as np
import pytest
import torch
from factories import make_frame

from fer_lib.vision.mtcnn.sampling import sample_areas, summed_area_table


@pytest.mark.parametrize("square", [[0, 0, 100, 80], [3, 5, 40, 29], [10, 10, 17, 71], [50, 50, 51, 51]])
@pytest.mark.parametrize("size", [(24, 24), (48, 48), (7, 31)])
def test_sample_areas_matches_torch(square, size):
    frame = np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)
    result = sample_areas(summed_area_table(frame), np.array([square]), *size)
    x1, y1, x2, y2 = square
    pixels = torch.from_numpy(frame[y1:y2, x1:x2]).permute(2, 0, 1)[None].float()
    expected = (torch.nn.functional.interpolate(pixels, size=size, mode="area") - 127.5) / 128
    np.testing.assert_allclose(result, expected.numpy(), atol=1e-5)


def test_sample_areas_empty():
    assert sample_areas(summed_area_table(make_frame(9, 9)), np.zeros((0, 4), np.int64), 24, 24).shape == (0, 3, 24, 24)
