"""Accuracy by brightness, contrast and people's agreement."""

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.predictions import Answers
from fer_lib.evaluate.slices import measure_groups


def make_answers() -> Answers:
    """Nine images from dark to bright, of equal contrast; only the bright third is recognised."""
    levels = np.arange(9, dtype=np.uint8) * 20 + 10
    images = np.zeros((9, 4, 4, 1), np.uint8) + levels[:, None, None, None]
    images[:, ::2] += 5
    split = Split("test", images, np.zeros(9, np.int64), tuple("abcdefghi"))
    return Answers(split, np.eye(7, dtype=np.float32)[[1] * 6 + [0] * 3])


def test_measure_groups_thirds_by_brightness():
    found = measure_groups(make_answers())["brightness"]
    assert {group: (one["images"], one["accuracy"]) for group, one in found.items()} == {
        "dark": (3, 0),
        "middle": (3, 0),
        "bright": (3, 1),
    }
    assert found["bright"]["accuracy_ci95"][0] < 1


def test_measure_groups_equal_images_form_one_group():
    found = measure_groups(make_answers())["contrast"]
    assert [one["images"] for one in found.values()] == [9]


def test_measure_groups_by_votes():
    agree, mostly, split = np.eye(7)[0], 0.6 * np.eye(7)[0] + 0.4 * np.eye(7)[1], np.full(7, 1 / 7)
    votes = {"a": split, "g": agree, "h": agree, "i": mostly}
    found = measure_groups(make_answers(), votes)["people"]
    assert {group: one["images"] for group, one in found.items()} == {"disagree": 1, "mostly agree": 1, "agree": 2}
    assert found["disagree"]["accuracy"] == pytest.approx(0)


@pytest.mark.parametrize("votes", [None, {}, {"somebody else": np.eye(7)[0]}])
def test_measure_groups_without_votes_for_these_images(votes):
    assert "people" not in measure_groups(make_answers(), votes)
