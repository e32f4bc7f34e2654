"""Test near-duplicate detection: exact and recompressed duplicates, completeness, leakage counts."""

import cv2
import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.dataset.near_duplicates import (
    conflicting_pairs,
    count_leaks,
    duplicate_groups,
    find_near_pairs,
    group_near_duplicates,
    mark_near_duplicates,
    remove_blank_and_leaked,
)
from fer_lib.dataset.synthetic import draw_face


def make_images(count: int = 30, size: int = 48) -> np.ndarray:
    return np.stack([draw_face(label, seed, size) for seed in range(count // 2) for label in ("happy", "sad")])[
        ..., None
    ]


def compress(image: np.ndarray, quality: int = 95) -> np.ndarray:
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)[..., None]


def make_split(name: str, count: int) -> Split:
    return Split(name, np.zeros((count, 2, 2, 1), np.uint8), np.zeros(count, np.int64), ("",) * count)


@pytest.mark.parametrize("tolerance", [0, 4])
def test_group_near_duplicates_none_and_one(tolerance):
    assert group_near_duplicates(np.zeros((0, 8, 8, 1), np.uint8), tolerance).shape == (0,)
    assert duplicate_groups(group_near_duplicates(np.zeros((1, 8, 8, 1), np.uint8), tolerance)) == []


def test_group_near_duplicates_exact():
    images = make_images()
    images[20], images[5] = images[3], images[3]
    groups = duplicate_groups(group_near_duplicates(images))
    assert [group.tolist() for group in groups] == [[3, 5, 20]]


def test_group_near_duplicates_recompressed_needs_tolerance():
    images = make_images()
    images[20] = compress(images[3])
    assert duplicate_groups(group_near_duplicates(images)) == []
    assert [group.tolist() for group in duplicate_groups(group_near_duplicates(images, tolerance=4))] == [[3, 20]]


def test_group_near_duplicates_chain_is_one_group():
    images = np.full((3, 12, 12, 1), 100, np.uint8) + np.array([0, 2, 4], np.uint8)[:, None, None, None]
    assert np.unique(group_near_duplicates(images, tolerance=4)).size == 1
    assert np.unique(group_near_duplicates(images, tolerance=3.9)).size == 3


@pytest.mark.parametrize("shape", [(24, 24, 1), (13, 17, 3), (4, 3, 1)])
@pytest.mark.parametrize("tolerance", [0.5, 30.0, 400.0])
def test_find_near_pairs_equals_brute_force(shape, tolerance):
    random = np.random.default_rng(0)
    base = random.integers(0, 256, (12, *shape)).repeat(6, axis=0)
    noise = random.normal(0, random.uniform(0, 20, len(base))[:, None, None, None], base.shape)
    images = np.clip(base + noise, 0, 255).astype(np.uint8)
    wide = images.astype(float).reshape(len(images), -1)
    distances = ((wide[:, None] - wide[None]) ** 2).mean(axis=2)
    expected = {(i, j) for i, j in np.argwhere(distances <= tolerance).tolist() if i < j}
    found = find_near_pairs(images, tolerance)
    assert {tuple(sorted(pair)) for pair in found.tolist()} == expected
    assert len(found) == len(expected)


def test_conflicting_pairs_have_different_targets():
    groups, targets = np.array([0, 1, 0, 1, 2, 0]), np.array([3, 4, 3, 4, 5, 6])
    assert conflicting_pairs(groups, targets).tolist() == [[0, 5]]
    assert conflicting_pairs(np.array([], np.int64), np.array([], np.int64)).shape == (0, 2)


def test_count_leaks_within_and_across_splits():
    splits = [make_split("train", 4), make_split("validation", 3), make_split("test", 1)]
    groups = np.array([0, 0, 1, 2, 0, 2, 3, 4])
    assert count_leaks(splits, groups).tolist() == [[2, 3, 0], [2, 0, 0], [0, 0, 0]]


def test_mark_near_duplicates_exact_and_recompressed():
    images = make_images()
    of = np.stack([images[7], compress(images[3])])
    assert np.flatnonzero(mark_near_duplicates(images, of)).tolist() == [3, 7]
    assert np.flatnonzero(mark_near_duplicates(images, of, tolerance=0)).tolist() == [7]


def test_mark_near_duplicates_empty():
    images = make_images()
    assert not mark_near_duplicates(images, images[:0]).any()
    assert mark_near_duplicates(images[:0], images).shape == (0,)


def test_remove_blank_and_leaked_drops_both():
    images = make_images(8)
    images[5] = 0
    names = tuple("abcdefgh")
    train = Split("train", images, np.zeros(8, np.int64), names)
    validation = Split("validation", images[1:2], np.ones(1, np.int64), ("v",))
    test = Split("test", compress(images[2])[None], np.ones(1, np.int64), ("t",))
    assert remove_blank_and_leaked(train, validation, test).names == ("a", "d", "e", "g", "h")
