"""Reading of image files: regular files of limited size."""

import os
from pathlib import Path

import pytest
from factories import make_frame

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import load_split, write_image
from fer_lib.images.files import read_image_file
from fer_lib.vision.media.photo import read_photo


def test_read_image_file_through_a_link(tmp_path):
    (tmp_path / "a.png").write_bytes(b"content")
    (tmp_path / "b.png").symlink_to("a.png")
    assert read_image_file(tmp_path / "b.png") == b"content"


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to(os.devnull), Path.mkdir], ids=["pipe", "device", "folder"]
)
def test_read_image_file_not_a_regular_file(tmp_path, make):
    make(tmp_path / "a.png")
    with pytest.raises(ValueError, match="must be a regular file"):
        read_image_file(tmp_path / "a.png")


def test_read_image_file_limits_the_size(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as stream:
        stream.truncate(1_000_000 + 10 * 100)
    assert len(read_image_file(path, max_pixels=100)) == 1_001_000
    with path.open("ab") as stream:
        stream.write(b"a")
    with pytest.raises(ValueError, match="at most 1001000 bytes, but it has 1001001"):
        read_image_file(path, max_pixels=100)
    with pytest.raises(ValueError, match="at most 1001000 bytes"):
        read_photo(path, max_pixels=100)


def test_load_split_skips_pipes_and_devices(tmp_path):
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    write_image(folder / "a.png", make_frame())
    os.mkfifo(folder / "b.png")
    (folder / "c.png").symlink_to("/dev/zero")
    split = load_split(tmp_path, "train", CropSpec(size=32), quiet=True)
    assert split.names == ("a",)
    assert [path.name for path in split.broken] == ["b.png", "c.png"]
