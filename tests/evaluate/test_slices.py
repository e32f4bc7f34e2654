"""Accuracy on slices by brightness, contrast and FER+ agreement."""

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.predictions import Predictions
from fer_lib.evaluate.slices import measure_slices


def make_predictions() -> Predictions:
    """Return nine images from dark to bright, of equal contrast; only the bright third is predicted correctly."""
    levels = np.arange(9, dtype=np.uint8) * 20 + 10
    images = np.zeros((9, 4, 4, 1), np.uint8) + levels[:, None, None, None]
    images[:, ::2] += 5
    split = Split("test", images, np.zeros(9, np.int64), tuple("abcdefghi"))
    return Predictions(split, np.eye(7, dtype=np.float32)[[1] * 6 + [0] * 3])


def test_measure_slices_thirds_by_brightness():
    slices = measure_slices(make_predictions())["brightness"]
    assert {name: (one["images"], one["accuracy"]) for name, one in slices.items()} == {
        "dark": (3, 0),
        "middle": (3, 0),
        "bright": (3, 1),
    }
    assert slices["bright"]["accuracy_ci95"][0] < 1


def test_measure_slices_equal_images_form_one_slice():
    slices = measure_slices(make_predictions())["contrast"]
    assert [one["images"] for one in slices.values()] == [9]


def test_measure_slices_by_votes():
    agree, mostly, split = np.eye(7)[0], 0.6 * np.eye(7)[0] + 0.4 * np.eye(7)[1], np.full(7, 1 / 7)
    votes = {"a": split, "g": agree, "h": agree, "i": mostly}
    slices = measure_slices(make_predictions(), votes)["people"]
    assert {name: one["images"] for name, one in slices.items()} == {"disagree": 1, "mostly agree": 1, "agree": 2}
    assert slices["disagree"]["accuracy"] == pytest.approx(0)


@pytest.mark.parametrize("votes", [None, {}, {"unknown": np.eye(7)[0]}])
def test_measure_slices_without_votes_for_these_images(votes):
    assert "people" not in measure_slices(make_predictions(), votes)
