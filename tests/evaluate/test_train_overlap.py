"""Near duplicates of training images are found in the other splits (train/test leakage)."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import load_split
from fer_lib.evaluate.train_overlap import find_train_duplicates

SPEC = CropSpec(size=32, color="grey")


def write_image(path: Path, seed: int, change: int = 0, channels: int = 1) -> None:
    pixels = np.random.default_rng(seed).integers(0, 200, (20, 20, 1), np.uint8)
    pixels += np.uint8(change)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.repeat(pixels, channels, axis=2))


def test_find_train_duplicates_equal_pixels_any_name_and_label(tmp_path):
    write_image(tmp_path / "train" / "happy" / "one.png", 1)
    write_image(tmp_path / "train" / "sad" / "two.png", 2)
    write_image(tmp_path / "test" / "happy" / "a.png", 1)
    write_image(tmp_path / "test" / "happy" / "b.png", 1, change=5)
    write_image(tmp_path / "test" / "happy" / "c.png", 2, channels=3)
    write_image(tmp_path / "test" / "happy" / "d.png", 3)
    split = load_split(tmp_path, "test", SPEC, quiet=True)
    assert find_train_duplicates(split, tmp_path, SPEC, quiet=True).tolist() == [True, False, True, False]


def test_find_train_duplicates_tolerates_one_jpeg_compression(tmp_path):
    write_image(tmp_path / "train" / "happy" / "one.png", 1)
    write_image(tmp_path / "test" / "happy" / "a.png", 1, change=1)
    write_image(tmp_path / "test" / "happy" / "b.png", 1, change=5)
    split = load_split(tmp_path, "test", SPEC, quiet=True)
    assert find_train_duplicates(split, tmp_path, SPEC, quiet=True).tolist() == [True, False]


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_find_train_duplicates_large_images_compared_reduced(tmp_path, color):
    write_image(tmp_path / "train" / "happy" / "one.png", 1)
    write_image(tmp_path / "test" / "happy" / "a.png", 1)
    write_image(tmp_path / "test" / "happy" / "b.png", 2)
    spec = CropSpec(size=100, color=color)
    split = load_split(tmp_path, "test", spec, quiet=True)
    assert find_train_duplicates(split, tmp_path, spec, quiet=True).tolist() == [True, False]


def test_find_train_duplicates_training_images_larger_than_the_input(tmp_path):
    write_image(tmp_path / "train" / "happy" / "one.png", 1)
    write_image(tmp_path / "test" / "happy" / "a.png", 1)
    write_image(tmp_path / "test" / "happy" / "b.png", 4)
    spec = CropSpec(size=16, color="rgb")
    split = load_split(tmp_path, "test", spec, quiet=True)
    assert find_train_duplicates(split, tmp_path, spec, quiet=True).tolist() == [True, False]


def test_find_train_duplicates_ignores_broken_training_images(tmp_path):
    write_image(tmp_path / "train" / "happy" / "one.png", 1)
    (tmp_path / "train" / "happy" / "broken.png").write_bytes(b"not an image")
    write_image(tmp_path / "test" / "happy" / "a.png", 1)
    split = load_split(tmp_path, "test", SPEC, quiet=True)
    assert find_train_duplicates(split, tmp_path, SPEC, quiet=True).tolist() == [True]


def test_find_train_duplicates_none_without_training_split_or_for_it(tmp_path):
    write_image(tmp_path / "test" / "happy" / "a.png", 1)
    split = load_split(tmp_path, "test", SPEC, quiet=True)
    assert find_train_duplicates(split, tmp_path, SPEC, quiet=True) is None
    write_image(tmp_path / "train" / "happy" / "a.png", 1)
    train = load_split(tmp_path, "train", SPEC, quiet=True)
    assert find_train_duplicates(train, tmp_path, SPEC, quiet=True) is None
