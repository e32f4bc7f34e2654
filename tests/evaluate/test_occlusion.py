"""Occlusion maps are positive where a network uses the pixels."""

import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.occlusion import average_occlusion_maps, compute_occlusion_map
from fer_lib.evaluate.predictions import Predictions, open_recognizer, predict_logits


@pytest.fixture
def corner_recognizer(write_network):
    """Return a network whose logit of "happy" is the brightness of the upper left quarter."""
    weight = np.zeros((32, 32, 7))
    weight[:16, :16, 3] = 0.005
    return open_recognizer(write_network(weight.reshape(-1, 7), spec=CropSpec(size=32), temperature=1.0))


def make_bright_corner():
    image = np.full((32, 32, 1), 60, np.uint8)
    image[:16, :16] = 220
    return image


def test_compute_occlusion_map_positive_where_pixels_are_used(corner_recognizer):
    drop = compute_occlusion_map(corner_recognizer, make_bright_corner(), target=3)
    assert drop.shape == (32, 32)
    assert drop[4:12, 4:12].min() > 0.01
    assert np.abs(drop[20:, 20:]).max() < 1e-6


def test_compute_occlusion_map_uniform_image_is_zero(corner_recognizer):
    assert np.abs(compute_occlusion_map(corner_recognizer, np.full((32, 32, 1), 90, np.uint8), target=3)).max() < 1e-6


def test_compute_occlusion_map_covers_every_pixel_of_odd_sizes(write_network):
    spec = CropSpec(size=37, color="rgb")
    recognizer = open_recognizer(write_network(np.ones((37 * 37 * 3, 7)), spec=spec))
    drop = compute_occlusion_map(recognizer, np.random.default_rng(0).integers(0, 256, (37, 37, 3), np.uint8), target=0)
    assert np.isfinite(drop).all()


def test_average_occlusion_maps_most_confident_images(corner_recognizer):
    images = np.stack([make_bright_corner(), np.full((32, 32, 1), 10, np.uint8)])
    split = Split("test", images, np.array([3, 3]), ("bright", "dark"))
    predictions = Predictions(split, predict_logits(corner_recognizer, images))
    maps = average_occlusion_maps(corner_recognizer, predictions, images=1)
    assert set(maps) == {"happy"}  # the only label that occurs
    face, drop = maps["happy"]
    np.testing.assert_allclose(face, make_bright_corner()[..., 0])
    np.testing.assert_allclose(drop, compute_occlusion_map(corner_recognizer, make_bright_corner(), 3), atol=1e-6)
