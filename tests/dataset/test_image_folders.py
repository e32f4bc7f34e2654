"""Test the loading of image folders: any size and colour, broken images, layout errors."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset import image_folders as data
from fer_lib.labels import EMOTIONS

SPEC = CropSpec(size=32)


def write_image_file(path: Path, value: int = 100, shape: tuple[int, ...] = (48, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, value, np.uint8)
    pixels[: shape[0] // 2] = 255 - value
    assert cv2.imwrite(str(path), pixels)
    return path


def test_load_split_missing_folder_names_path_and_readme(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train.*no such folder.*data/README\.md"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_no_images(tmp_path):
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="has none"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_unknown_label(tmp_path):
    write_image_file(tmp_path / "train" / "bored" / "a.png")
    with pytest.raises(ValueError, match="bored"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_any_size_and_colour(tmp_path):
    write_image_file(tmp_path / "train" / "happy" / "grey.png")
    write_image_file(tmp_path / "train" / "sad" / "colour.jpg", shape=(100, 60, 3))
    split = data.load_split(tmp_path, "train", SPEC, quiet=True)
    assert split.images.shape == (2, 32, 32, 1)
    assert split.targets.tolist() == [EMOTIONS.index("happy"), EMOTIONS.index("sad")]
    assert split.names == ("grey", "colour")


def test_load_split_missing_folder_suggests_nested_one(tmp_path):
    write_image_file(tmp_path / "images" / "train" / "happy" / "a.png")
    with pytest.raises(FileNotFoundError, match=f"did you mean DATA_DIR={tmp_path / 'images'}"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_grey_equals_colour(tmp_path):
    write_image_file(tmp_path / "train" / "happy" / "a.png", shape=(20, 20))
    write_image_file(tmp_path / "train" / "happy" / "b.png", shape=(20, 20, 3))
    grey = data.load_split(tmp_path, "train", SPEC, quiet=True).images
    colour = data.load_split(tmp_path, "train", CropSpec(size=32, color="rgb"), quiet=True).images
    assert np.array_equal(grey[0], grey[1])
    assert np.array_equal(colour[0], colour[1])
    assert np.array_equal(colour[..., :1], grey)


def test_load_split_names_files_if_all_are_broken(tmp_path):
    write_image_file(tmp_path / "train" / "happy" / "a.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"can be read: 1 image \(happy/a\.png\)"):
        data.load_split(tmp_path, "train", SPEC, quiet=True)


def test_load_split_counts_broken_images(tmp_path, capsys):
    write_image_file(tmp_path / "train" / "sad" / "good.png")
    for number in range(25):
        write_image_file(tmp_path / "train" / "sad" / f"bad{number:02}.png").write_bytes(b"not an image")
    (tmp_path / "train" / "sad" / "folder.png").mkdir()
    assert len(data.load_split(tmp_path, "train", SPEC).broken) == 26
    assert "26 images (sad/bad00.png, sad/bad01.png" in (output := capsys.readouterr().out)
    assert "sad/bad19.png and 6 more)" in output


def test_load_splits_reports_missing_test_split(tmp_path, capsys):
    for split in ("train", "validation"):
        write_image_file(tmp_path / split / "happy" / "a.png")
    splits = data.load_splits(tmp_path, SPEC, quiet=True)
    assert list(splits) == ["train", "validation"]
    assert "no test split" in capsys.readouterr().out


def test_load_splits_complete_prints_nothing(tmp_path, capsys):
    for split in data.SPLITS:
        write_image_file(tmp_path / split / "happy" / "a.png")
    assert list(data.load_splits(tmp_path, SPEC, quiet=True)) == ["train", "validation", "test"]
    assert capsys.readouterr().out == ""


def test_load_splits_no_split(tmp_path):
    with pytest.raises(FileNotFoundError, match="DATA_DIR=data/sample"):
        data.load_splits(tmp_path, SPEC)


def test_load_split_lists_broken_images(tmp_path):
    write_image_file(tmp_path / "train" / "happy" / "good.png")
    empty, damaged = tmp_path / "train" / "happy" / "empty.png", tmp_path / "train" / "sad" / "damaged.jpg"
    empty.write_bytes(b"")
    damaged.parent.mkdir()
    damaged.write_bytes(b"\xff\xd8 this is not an image")
    split = data.load_split(tmp_path, "train", SPEC, quiet=True)
    assert split.names == ("good",)
    assert set(split.broken) == {empty, damaged}


def test_load_split_max_images_covers_labels(tmp_path):
    for label in EMOTIONS:
        for number in range(4):
            write_image_file(tmp_path / "train" / label / f"{number}.png")
    split = data.load_split(tmp_path, "train", SPEC, max_images=7, quiet=True)
    assert len(split) == 7
    assert len(set(split.targets.tolist())) >= 6


def test_counts_has_every_label(tmp_path):
    write_image_file(tmp_path / "train" / "fear" / "a.png")
    counts = data.load_split(tmp_path, "train", SPEC, quiet=True).counts
    assert tuple(counts) == EMOTIONS
    assert sum(counts.values()) == counts["fear"] == 1
