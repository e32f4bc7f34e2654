"""Corruptions change the images, more with more strength, and are deterministic."""

from itertools import pairwise

import numpy as np
import pytest

from fer_lib.evaluate.robustness import (
    CORRUPTIONS,
    blur,
    change_brightness,
    change_gamma,
    compress,
    corrupt,
    measure_robustness,
    occlude,
    render_corruptions,
    rotate,
    shift,
    shrink,
)

IDENTITY = {"gamma": 1, "brightness": 1, "blur": 0, "face size": 1000, "shift of the box": 0, "tilt": 0, "occlusion": 0}


def make_image(size: int = 32, channels: int = 1, seed: int = 0):
    random = np.random.default_rng(seed).integers(0, 256, (size, size, channels), np.uint8)
    return blur(random, 4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)
def test_corrupt_shape_change_and_determinism(corruption, channels):
    images = np.stack([make_image(channels=channels, seed=seed) for seed in range(3)])
    corrupted = corrupt(images, corruption, corruption.strengths[-1])
    assert (corrupted.shape, corrupted.dtype) == (images.shape, np.uint8)
    assert all(np.abs(a.astype(int) - b).mean() > 1 for a, b in zip(corrupted, images, strict=True))
    np.testing.assert_array_equal(corrupted, corrupt(images, corruption, corruption.strengths[-1]))
    assert corrupt(images[:0], corruption, corruption.strengths[-1]).shape == (0, 32, 32, channels)


@pytest.mark.parametrize("corruption", [d for d in CORRUPTIONS if d.name in IDENTITY], ids=lambda one: one.name)
def test_corrupt_identity_strength_is_the_identity(corruption):
    images = make_image()[None]
    np.testing.assert_array_equal(corrupt(images, corruption, IDENTITY[corruption.name]), images)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)
def test_corrupt_difference_grows_with_strength(corruption):
    image = make_image(64)
    strengths = corruption.strengths
    if corruption.name in ("brightness", "gamma"):
        strengths = tuple(s for s in reversed(strengths) if s <= 1)
    changes = [np.abs(corrupt(image[None], corruption, s)[0].astype(int) - image).mean() for s in strengths]
    assert all(later >= earlier - 0.5 for earlier, later in pairwise(changes))
    assert changes[-1] > changes[0]


def test_change_brightness_saturates():
    assert change_brightness(np.full((2, 2, 1), 200, np.uint8), 3).max() == 255
    assert change_brightness(np.full((2, 2, 1), 200, np.uint8), 0.5).max() == 100


def test_change_gamma_keeps_black_and_white():
    image = np.array([[0, 64, 255]], np.uint8)[..., None]
    assert change_gamma(image, 2)[0, :, 0].tolist() == [0, 16, 255]
    assert change_gamma(image, 0.5)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("turn", [0, 0.3, 0.99])
def test_occlude_one_square_in_the_mean_colour(turn):
    image = make_image(50)
    occluded = occlude(image, 40, turn)
    rows, columns = np.nonzero(occluded[..., 0] != image[..., 0])
    assert len(rows) > 300  # of 400; the mean may occur in the image
    assert max(np.ptp(rows), np.ptp(columns)) < 20
    assert set(occluded[rows, columns, 0]) == {int(image.mean())}


def test_occlude_positions_spread_over_both_axes():
    image = make_image(50)
    positions = [np.argwhere(occlude(image, 20, i / 40)[..., 0] != image[..., 0]).min(axis=0) for i in range(40)]
    assert abs(np.corrcoef(np.transpose(positions))[0, 1]) < 0.5
    assert (np.ptp(positions, axis=0) > 30).all()


def test_shift_distance_and_direction():
    image = np.zeros((20, 20, 1), np.uint8)
    image[10, 10] = 200
    assert np.argwhere(shift(image, 20, 0.0)[..., 0]).tolist() == [[10, 14]]
    assert np.argwhere(shift(image, 20, 0.25)[..., 0] > 100).tolist() == [[14, 10]]


def test_rotate_both_directions():
    image = make_image()
    np.testing.assert_array_equal(rotate(image, 90, 0.0), np.rot90(image))
    np.testing.assert_array_equal(rotate(image, 90, 0.5), np.rot90(image, -1))


def test_shrink_to_two_and_one_pixels():
    halves = np.kron(np.array([[0, 100], [200, 50]], np.uint8), np.ones((8, 8), np.uint8))[..., None]
    assert shrink(halves, 2)[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [0, 100, 200, 50]
    assert shrink(halves, 1).std() == 0


def test_compress_keeps_the_channel_order():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    mean = compress(red, 90).mean(axis=(0, 1))
    np.testing.assert_allclose(mean, [200, 0, 0], atol=4)


def test_render_corruptions_unchanged_image_first():
    image = make_image()
    images, names = render_corruptions(image)
    assert len(images) == len(names) == len(CORRUPTIONS) + 1
    np.testing.assert_array_equal(images[0], image)


def test_measure_robustness_identity_strength_has_clean_accuracy(recognizer, predictions):
    curves = measure_robustness(recognizer, predictions, quiet=True)
    assert list(curves) == [one.name for one in CORRUPTIONS]
    for name, strength in IDENTITY.items():
        if strength in curves[name]["strengths"]:
            index = curves[name]["strengths"].index(strength)
            assert curves[name]["accuracy"][index] == curves[name]["clean_accuracy"] == predictions.is_correct.mean()
    assert curves["brightness"]["accuracy"][0] < 0.5  # nearly black
    for curve in curves.values():
        assert all(low <= a <= high for a, (low, high) in zip(curve["accuracy"], curve["accuracy_ci95"], strict=True))


def test_measure_robustness_few_images_cover_all_labels(recognizer, predictions):
    rows = np.linspace(0, 34, 7).astype(int)
    assert len(set(predictions.targets[rows])) == 7
    curves = measure_robustness(recognizer, predictions, images=7, quiet=True)
    assert curves["tilt"]["clean_accuracy"] == pytest.approx(predictions.is_correct[rows].mean())
