"""Occlusion maps glow where a network really looks."""

import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.occlusion import map_drop, measure_attention
from fer_lib.evaluate.predictions import Answers, answer_images, open_recognizer


@pytest.fixture
def corner_recognizer(write_network):
    """A network that says "happy" when the upper left quarter is bright, and looks at nothing else."""
    weight = np.zeros((32, 32, 7))
    weight[:16, :16, 3] = 0.005
    return open_recognizer(write_network(weight.reshape(-1, 7), spec=CropSpec(size=32), temperature=1.0))


def make_bright_corner():
    image = np.full((32, 32, 1), 60, np.uint8)
    image[:16, :16] = 220
    return image


def test_map_drop_glows_where_the_network_looks(corner_recognizer):
    drop = map_drop(corner_recognizer, make_bright_corner(), target=3)
    assert drop.shape == (32, 32)
    assert drop[4:12, 4:12].min() > 0.01
    assert np.abs(drop[20:, 20:]).max() < 1e-6


def test_map_drop_of_an_empty_image_is_flat(corner_recognizer):
    assert np.abs(map_drop(corner_recognizer, np.full((32, 32, 1), 90, np.uint8), target=3)).max() < 1e-6


def test_map_drop_reaches_every_pixel_of_odd_sizes(write_network):
    spec = CropSpec(size=37, color="rgb")
    recognizer = open_recognizer(write_network(np.ones((37 * 37 * 3, 7)), spec=spec))
    drop = map_drop(recognizer, np.random.default_rng(0).integers(0, 256, (37, 37, 3), np.uint8), target=0)
    assert np.isfinite(drop).all()


def test_measure_attention_uses_the_faces_it_knows_best(corner_recognizer):
    images = np.stack([make_bright_corner(), np.full((32, 32, 1), 10, np.uint8)])
    split = Split("test", images, np.array([3, 3]), ("bright", "dark"))
    answers = Answers(split, answer_images(corner_recognizer, images))
    found = measure_attention(corner_recognizer, answers, images=1)
    assert set(found) == {"happy"}  # the only label that occurs
    face, drop = found["happy"]
    np.testing.assert_allclose(face, make_bright_corner()[..., 0])
    np.testing.assert_allclose(drop, map_drop(corner_recognizer, make_bright_corner(), 3), atol=1e-6)
