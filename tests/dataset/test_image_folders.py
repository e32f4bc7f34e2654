"""Folders become arrays; whatever is wrong with them is said in one sentence."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset import image_folders as data
from fer_lib.labels import EMOTIONS

SPEC = CropSpec(size=32)


def write_picture(path: Path, value: int = 100, shape: tuple[int, ...] = (48, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, value, np.uint8)
    pixels[: shape[0] // 2] = 255 - value
    assert cv2.imwrite(str(path), pixels)
    return path


def test_load_split_missing_folder_says_where_and_what_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train.*no such folder.*data/README\.md"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_without_pictures_is_refused(tmp_path):
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="has none"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_unknown_label_is_named(tmp_path):
    write_picture(tmp_path / "train" / "bored" / "a.png")
    with pytest.raises(ValueError, match="bored"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_reads_any_size_and_colour(tmp_path):
    write_picture(tmp_path / "train" / "happy" / "grey.png")
    write_picture(tmp_path / "train" / "sad" / "colour.jpg", shape=(100, 60, 3))
    split = data.load_split(tmp_path, "train", SPEC, quiet=True)
    assert split.images.shape == (2, 32, 32, 1)
    assert split.targets.tolist() == [EMOTIONS.index("happy"), EMOTIONS.index("sad")]
    assert split.names == ("grey", "colour")


def test_load_split_missing_folder_suggests_the_nested_one(tmp_path):
    write_picture(tmp_path / "images" / "train" / "happy" / "a.png")
    with pytest.raises(FileNotFoundError, match=f"did you mean DATA_DIR={tmp_path / 'images'}"):
        data.load_split(tmp_path, "train", SPEC)


def test_load_split_grey_and_colour_versions_agree(tmp_path):
    write_picture(tmp_path / "train" / "happy" / "a.png", shape=(20, 20))
    write_picture(tmp_path / "train" / "happy" / "b.png", shape=(20, 20, 3))
    grey = data.load_split(tmp_path, "train", SPEC, quiet=True).images
    colour = data.load_split(tmp_path, "train", CropSpec(size=32, color="rgb"), quiet=True).images
    assert np.array_equal(grey[0], grey[1])
    assert np.array_equal(colour[0], colour[1])
    assert np.array_equal(colour[..., :1], grey)


def test_load_split_none_readable_names_them(tmp_path):
    write_picture(tmp_path / "train" / "happy" / "a.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"can be read: 1 picture \(happy/a\.png\)"):
        data.load_split(tmp_path, "train", SPEC, quiet=True)


def test_load_split_many_broken_pictures_are_counted(tmp_path, capsys):
    write_picture(tmp_path / "train" / "sad" / "good.png")
    for number in range(25):
        write_picture(tmp_path / "train" / "sad" / f"bad{number:02}.png").write_bytes(b"no picture")
    (tmp_path / "train" / "sad" / "folder.png").mkdir()
    assert len(data.load_split(tmp_path, "train", SPEC).broken) == 26
    assert "26 pictures (sad/bad00.png, sad/bad01.png" in (said := capsys.readouterr().out)
    assert "sad/bad19.png and 6 more)" in said


def test_load_splits_reads_the_layout_without_test_and_says_so(tmp_path, capsys):
    for split in ("train", "validation"):
        write_picture(tmp_path / split / "happy" / "a.png")
    splits = data.load_splits(tmp_path, SPEC, quiet=True)
    assert list(splits) == ["train", "validation"]
    assert "no test split" in capsys.readouterr().out


def test_load_splits_all_three_need_no_words(tmp_path, capsys):
    for split in data.SPLITS:
        write_picture(tmp_path / split / "happy" / "a.png")
    assert list(data.load_splits(tmp_path, SPEC, quiet=True)) == ["train", "validation", "test"]
    assert capsys.readouterr().out == ""


def test_load_splits_without_any_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="DATA_DIR=data/sample"):
        data.load_splits(tmp_path, SPEC)


def test_load_split_leaves_broken_pictures_out_and_lists_them(tmp_path):
    write_picture(tmp_path / "train" / "happy" / "good.png")
    empty, damaged = tmp_path / "train" / "happy" / "empty.png", tmp_path / "train" / "sad" / "damaged.jpg"
    empty.write_bytes(b"")
    damaged.parent.mkdir()
    damaged.write_bytes(b"\xff\xd8 this is no picture")
    split = data.load_split(tmp_path, "train", SPEC, quiet=True)
    assert split.names == ("good",)
    assert set(split.broken) == {empty, damaged}


def test_load_split_max_images_spreads_over_the_labels(tmp_path):
    for label in EMOTIONS:
        for number in range(4):
            write_picture(tmp_path / "train" / label / f"{number}.png")
    split = data.load_split(tmp_path, "train", SPEC, max_images=7, quiet=True)
    assert len(split) == 7
    assert len(set(split.targets.tolist())) >= 6


def test_counts_name_every_label(tmp_path):
    write_picture(tmp_path / "train" / "fear" / "a.png")
    counts = data.load_split(tmp_path, "train", SPEC, quiet=True).counts
    assert tuple(counts) == EMOTIONS
    assert sum(counts.values()) == counts["fear"] == 1
