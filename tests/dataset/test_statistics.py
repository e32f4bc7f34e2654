"""Test the statistics of labelled faces against counting and simulation."""

import numpy as np
import pytest
import torch

from fer_lib.crops import CropSpec
from fer_lib.dataset import statistics
from fer_lib.dataset.image_folders import Split
from fer_lib.labels import EMOTIONS
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning.batches import Batches, one_hot

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def make_split(targets: list[int]) -> Split:
    images = np.arange(len(targets), dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2)
    return Split("train", images, np.array(targets, np.int64), tuple(f"face{row}" for row in range(len(targets))))


def test_measure_brightness_none_and_known_images():
    assert statistics.measure_brightness(np.zeros((0, 4, 4, 1), np.uint8)).brightness.shape == (0,)
    images = np.zeros((2, 4, 4, 1), np.uint8)
    images[0] = 200
    images[1, :2] = 100
    light = statistics.measure_brightness(images)
    assert light.brightness.tolist() == [200, 50]
    assert light.contrast.tolist() == [0, 50]


def test_find_extremes_are_lowest_and_highest():
    images = make_split([HAPPY] * 9).images
    extremes = statistics.find_extremes(images, statistics.measure_brightness(images), count=2)
    assert [image[0, 0, 0] for image in extremes["darkest"]] == [0, 1]
    assert [image[0, 0, 0] for image in extremes["brightest"]] == [8, 7]


def test_mean_faces_only_of_labels_that_occur():
    split = make_split([HAPPY, SAD, HAPPY])
    means = statistics.mean_faces(split.images, split.targets)
    assert list(means) == ["happy", "sad"]
    assert (means["happy"] == 1).all()
    assert statistics.mean_faces(split.images[:0], split.targets[:0]) == {}


def test_sample_faces_is_reproducible_and_within_the_label():
    split = make_split([HAPPY, SAD] * 10)
    sampled = statistics.sample_faces(split, 4, seed=1)
    assert {label: len(images) for label, images in sampled.items()} == {"happy": 4, "sad": 4}
    assert all(image[0, 0, 0] % 2 == 0 for image in sampled["happy"])
    assert np.array_equal(sampled["sad"], statistics.sample_faces(split, 4, seed=1)["sad"])
    assert len(statistics.sample_faces(split, 99)["sad"]) == 10


@pytest.mark.parametrize("sampler", statistics.SAMPLERS)
def test_expected_sampling_equals_simulation(sampler):
    targets = np.array([HAPPY] * 150 + [SAD] * 40 + [0] * 10)
    settings = TrainingSettings.load(sampler=sampler, augmentation="none", batch_size=200, image_size=32)
    images = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(32, 1).repeat(32, 2)
    batches = Batches(images, one_hot(targets), CropSpec(size=32, mean=0.0, std=1.0), settings, torch.device("cpu"))
    drawn = [(x[:, 0, 0, 0] * 255).round().long() for epoch in range(60) for x, _ in batches.draw_epoch(epoch)]
    times = torch.stack([rows.bincount(minlength=200) for rows in drawn]).numpy()
    expected = statistics.expected_sampling({"happy": 150, "sad": 40, "angry": 10, "fear": 0}, sampler)
    assert set(expected.images) == {"happy", "sad", "angry"}
    for label in expected.images:
        own = times[:, targets == EMOTIONS.index(label)]
        assert own.sum(axis=1).mean() == pytest.approx(expected.images[label], rel=0.06)
        assert own.mean() == pytest.approx(expected.times[label], rel=0.06)
        assert (own == 0).mean() == pytest.approx(expected.unseen[label], abs=0.03)


def test_expected_sampling_no_images():
    assert statistics.expected_sampling(dict.fromkeys(EMOTIONS, 0), "balanced").images == {}


def test_compare_votes_counts_by_label_and_majority():
    split = make_split([HAPPY, HAPPY, SAD, SAD])
    votes = {
        "face0": one_hot(np.array([HAPPY]))[0],
        "face1": one_hot(np.array([SAD]))[0],
        "face2": np.eye(7)[SAD] * 0.6,
    }
    agreement = statistics.compare_votes([split], votes)
    assert agreement.table[HAPPY].sum() == 2
    assert agreement.overall == pytest.approx(2 / 3)
    assert agreement.per_label == {"happy": 0.5, "sad": 1.0}
    assert agreement.consensus == pytest.approx([1, 1, 0.6])


def test_compare_votes_no_match():
    agreement = statistics.compare_votes([make_split([HAPPY])], {})
    assert np.isnan(agreement.overall)
    assert len(agreement.consensus) == 0
