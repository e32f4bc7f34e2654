"""Test the extraction of FER2013's table: layout, file names for FER+ votes, invalid rows, path traversal."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset.fer2013 import extract_table, main
from fer_lib.dataset.image_folders import load_splits, read_image, write_image
from fer_lib.dataset.synthetic import draw_face
from fer_lib.dataset.votes import read_votes

VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
ROWS = [(0, "Training"), (6, "Training"), (4, "PublicTest"), (5, "PrivateTest")]
LABELS = ["angry", "neutral", "sad", "surprise"]


def write_table(path: Path, rows=ROWS, head: str = "emotion,pixels,Usage") -> Path:
    lines = [
        f"{emotion},{' '.join(map(str, draw_face('happy', n).ravel()))},{usage}"
        for n, (emotion, usage) in enumerate(rows)
    ]
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def write_votes(path: Path, names: list[str]) -> Path:
    path.write_text(VOTES + "".join(f"Training,{name},0,10,0,0,0,0,0,0,0,0\n" for name in names))
    return path


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)])
def test_write_image_round_trip(tmp_path, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    write_image(tmp_path / "a.png", image)
    assert np.array_equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("head", ["emotion,pixels,Usage", "emotion, pixels, Usage"])
def test_extract_table_round_trip_with_load_splits(tmp_path, head):
    table = write_table(tmp_path / "fer2013.csv", head=head)
    assert extract_table(table, tmp_path / "images", quiet=True) == {"train": 2, "validation": 1, "test": 1}
    splits = load_splits(tmp_path / "images", CropSpec(size=48), quiet=True)
    images = [image[..., 0] for split in splits.values() for image in split.images]
    assert [label for split in splits.values() for label, count in split.counts.items() if count] == LABELS
    assert all(np.array_equal(image, draw_face("happy", n)) for n, image in enumerate(images))
    assert splits["train"].names == ("Training_00000", "Training_00001")


def test_extract_table_uses_names_of_the_votes(tmp_path):
    table = write_table(tmp_path / "fer2013.csv")
    votes = write_votes(tmp_path / "fer2013new.csv", ["fer0000000.png", "", "fer0000001.png", "fer0000002.png"])
    extract_table(table, tmp_path / "images", votes, quiet=True)
    splits = load_splits(tmp_path / "images", CropSpec(size=48), quiet=True)
    assert splits["train"].names == ("fer0000000", "Training_00001")
    assert splits["test"].names[0] in read_votes(votes)


def test_extract_table_refuses_votes_of_another_length(tmp_path):
    votes = write_votes(tmp_path / "fer2013new.csv", ["fer0000000.png"])
    with pytest.raises(ValueError, match=r"as many rows as .*fer2013\.csv, 4, but has 1"):
        extract_table(write_table(tmp_path / "fer2013.csv"), tmp_path / "images", votes, quiet=True)


@pytest.mark.parametrize(
    "name",
    [
        "../../up.png",
        "/tmp/up.png",
        "..",
        "a/b.png",
        "a\\b.png",
        "C:up.png",
        "a:b",
        ".hidden",
        "a" * 300,
        "a\x00b",
        "\x1b[2J",
        "ä.png",
    ],
)
def test_extract_table_refuses_path_traversal_in_names(tmp_path, name):
    table = write_table(tmp_path / "fer2013.csv")
    votes = write_votes(tmp_path / "votes.csv", [name, "b.png", "c.png", "d.png"])
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(ValueError, match=r"row 1 of .*votes\.csv must name an image"):
        extract_table(table, tmp_path / "data" / "images", votes, quiet=True)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("usage", ["../../Training", "/tmp", "train", ""])
def test_extract_table_refuses_unknown_usage(tmp_path, usage):
    table = write_table(tmp_path / "fer2013.csv", rows=[(0, usage)])
    with pytest.raises(ValueError, match="must have a Usage of"):
        extract_table(table, tmp_path / "images", quiet=True)
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("emotion", ["-1", "7", "1e0", "9" * 10_000, "../happy"])
def test_extract_table_refuses_emotion_out_of_range(tmp_path, emotion):
    table = write_table(tmp_path / "fer2013.csv", rows=[(emotion, "Training")])
    with pytest.raises(ValueError, match="an emotion from 0 to 6"):
        extract_table(table, tmp_path / "images", quiet=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX symbolic links")
def test_extract_table_does_not_follow_symlinks(tmp_path):
    (other := tmp_path / "other.txt").write_text("unchanged")
    (folder := tmp_path / "images" / "train" / "angry").mkdir(parents=True)
    (folder / "Training_00000.png").symlink_to(other)
    extract_table(write_table(tmp_path / "fer2013.csv"), tmp_path / "images", quiet=True)
    assert other.read_text() == "unchanged"
    assert not (folder / "Training_00000.png").is_symlink()


@pytest.mark.parametrize(
    "text",
    [
        "7,0 0,Training",
        "x,0 0,Training",
        "0,0 0,Training",
        "0,0 0,Test",
        "0,a b,Training",
        "0,99999999999999999999999,Training",
    ],
)
def test_extract_table_names_invalid_row(tmp_path, text):
    (tmp_path / "invalid.csv").write_text(f"emotion,pixels,Usage\n{text}\n")
    with pytest.raises(ValueError, match=r"row 1 of .*invalid\.csv must have"):
        extract_table(tmp_path / "invalid.csv", tmp_path / "images", quiet=True)


def test_extract_table_refuses_pixels_above_255(tmp_path):
    (tmp_path / "invalid.csv").write_text("emotion,pixels,Usage\n0," + " ".join(["256"] * 48 * 48) + ",Training\n")
    with pytest.raises(ValueError, match="from 0 to 255"):
        extract_table(tmp_path / "invalid.csv", tmp_path / "images", quiet=True)


def test_main_reports_counts_and_errors(tmp_path, capsys):
    table = write_table(tmp_path / "fer2013.csv")
    assert main([str(table), str(tmp_path / "images")]) == 0
    assert "2 train images, 1 validation images" in capsys.readouterr().out
    assert main([str(tmp_path / "none.csv"), str(tmp_path / "images")]) == 2
    assert "none.csv must exist" in capsys.readouterr().err
