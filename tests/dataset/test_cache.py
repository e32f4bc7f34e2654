"""Decoded faces come back as they went; whatever is wrong with a cache file is noticed."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer_lib.crops import CropSpec
from fer_lib.dataset import image_folders as data
from fer_lib.dataset.cache import content_key, read_faces, write_faces
from fer_lib.dataset.synthetic import draw_face, write_sample

SPEC = CropSpec(size=32)


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    write_sample(folder, size=24)
    return folder


def make_faces() -> list[np.ndarray | None]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, shape, np.uint8) for shape in ((5, 7), (3, 4, 3), (1, 1))] + [
        None,
        draw_face("sad", 1),
    ]


def same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    return first is second is None or (first is not None and second is not None and np.array_equal(first, second))


def caches(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache").glob("*"))


@pytest.mark.parametrize("faces", [[], [None], make_faces()], ids=["none", "broken", "mixed"])
def test_read_faces_returns_what_was_written(tmp_path, faces):
    write_faces(tmp_path / "deep" / "a.npz", faces)
    read = read_faces(tmp_path / "deep" / "a.npz", len(faces))
    assert len(read) == len(faces)
    assert all(map(same, read, faces))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.npz"]


def test_read_faces_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_faces(tmp_path / "none.npz", 1)


def test_read_faces_wrong_count_is_refused(tmp_path):
    write_faces(tmp_path / "a.npz", make_faces())
    with pytest.raises(ValueError, match="must hold 4 faces"):
        read_faces(tmp_path / "a.npz", 4)


@pytest.mark.parametrize("content", [b"", b"no zip file", b"PK\x03\x04 half a zip file"])
def test_read_faces_other_content_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_never_runs_code_from_the_file(tmp_path):
    np.savez(tmp_path / "a.npz", shapes=np.array([os.getcwd], object), pixels=np.zeros(0, np.uint8))
    with pytest.raises(ValueError, match="damaged"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_any_flipped_byte_is_noticed_or_harmless(tmp_path):
    faces, path = make_faces(), tmp_path / "a.npz"
    write_faces(path, faces)
    whole = path.read_bytes()
    noticed = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            assert all(map(same, read_faces(path, len(faces)), faces))
        except ValueError:
            noticed += 1
    assert noticed > len(whole) / 3 * 0.8


def test_content_key_follows_names_and_bytes_not_place_and_time(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(b"abc")
    os.utime(tmp_path / "two" / "a.png", (1, 1))
    one, two = (content_key([tmp_path / folder / "a.png"], tmp_path / folder, "how") for folder in ("one", "two"))
    assert one == two
    assert content_key([tmp_path / "one" / "a.png"], tmp_path / "one", "otherwise") != one
    before = (tmp_path / "two" / "a.png").stat()
    (tmp_path / "two" / "a.png").write_bytes(b"abd")
    os.utime(tmp_path / "two" / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_key([tmp_path / "two" / "a.png"], tmp_path / "two", "how") != one


def test_content_key_keeps_names_and_contents_apart(tmp_path):
    (tmp_path / "a").write_bytes(b"bc")
    (tmp_path / "ab").write_bytes(b"c")
    assert content_key([tmp_path / "a"], tmp_path, "") != content_key([tmp_path / "ab"], tmp_path, "")


@pytest.mark.parametrize(
    "spec", [SPEC, CropSpec(size=16), CropSpec(size=40, color="rgb"), CropSpec(size=32, detail=20)]
)
def test_load_split_from_the_cache_is_what_was_decoded(drawn, spec, monkeypatch):
    first = data.load_split(drawn, "train", spec, quiet=True)
    monkeypatch.setattr(data, "read_image", lambda path: pytest.fail(f"{path} was decoded again"))
    again = data.load_split(drawn, "train", spec, quiet=True)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.targets, again.targets)
    assert first.names == again.names


def test_load_split_with_and_without_cache_are_the_same(drawn):
    cached = data.load_split(drawn, "train", SPEC, quiet=True)
    decoded = data.load_split(drawn, "train", SPEC, max_images=len(cached) - 1, quiet=True)
    rows = [cached.names.index(name) for name in decoded.names]
    assert len(rows) == len(cached) - 1
    assert np.array_equal(cached.images[rows], decoded.images)


def test_load_split_few_images_are_not_cached(drawn):
    data.load_split(drawn, "train", SPEC, max_images=7, quiet=True)
    assert caches(drawn) == []


def test_load_split_changed_picture_is_decoded_anew(drawn):
    before = data.load_split(drawn, "test", SPEC, quiet=True)
    path = drawn / "test" / "happy" / "drawn-test-happy-00.png"
    path.write_bytes((drawn / "test" / "sad" / "drawn-test-sad-00.png").read_bytes())
    after = data.load_split(drawn, "test", SPEC, quiet=True)
    changed = (before.images != after.images).any(axis=(1, 2, 3))
    assert [before.names[row] for row in np.flatnonzero(changed)] == [path.stem]


def test_load_split_damaged_cache_is_made_anew_and_said(drawn, capsys):
    before = data.load_split(drawn, "test", SPEC, quiet=True)
    (path,) = caches(drawn)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    after = data.load_split(drawn, "test", SPEC, quiet=True)
    assert "is damaged" in capsys.readouterr().out
    assert np.array_equal(before.images, after.images)
    assert path.read_bytes() == whole


def test_load_split_without_a_place_for_the_cache_goes_on_and_says_so(drawn, capsys):
    (drawn.parent / "cache").write_text("a file where the folder should be")
    assert len(data.load_split(drawn, "test", SPEC, quiet=True)) == 35
    assert "can't be kept" in capsys.readouterr().out


def test_load_split_remembers_broken_pictures_in_the_cache(drawn, capsys):
    empty = drawn / "test" / "fear" / "empty.png"
    empty.write_bytes(b"")
    for _ in range(2):
        assert data.load_split(drawn, "test", SPEC).broken == (empty,)
        assert "1 picture (fear/empty.png)" in capsys.readouterr().out


def test_read_faces_refuses_a_cache_that_is_larger_when_unpacked(tmp_path):
    shapes = np.array([[2000, 2000, 0]], np.int32)
    np.savez_compressed(tmp_path / "a.npz", shapes=shapes, pixels=np.zeros(4_000_000, np.uint8))
    with pytest.raises(ValueError, match=r"is damaged .* when unpacked"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_refuses_an_array_beyond_the_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**60,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in ("shapes", "pixels"):
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(ValueError, match="is damaged"):
        read_faces(tmp_path / "a.npz", 1)
