"""Test the cache of decoded faces: round trips, invalidation by content, damaged files."""

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


def is_equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    return first is second is None or (first is not None and second is not None and np.array_equal(first, second))


def list_cache(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache").glob("*"))


@pytest.mark.parametrize("faces", [[], [None], make_faces()], ids=["none", "broken", "mixed"])
def test_read_faces_round_trip(tmp_path, faces):
    write_faces(tmp_path / "deep" / "a.npz", faces)
    read = read_faces(tmp_path / "deep" / "a.npz", len(faces))
    assert len(read) == len(faces)
    assert all(map(is_equal, read, faces))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.npz"]


def test_read_faces_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_faces(tmp_path / "none.npz", 1)


def test_read_faces_wrong_count(tmp_path):
    write_faces(tmp_path / "a.npz", make_faces())
    with pytest.raises(ValueError, match="must contain 4 faces"):
        read_faces(tmp_path / "a.npz", 4)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 truncated zip file"])
def test_read_faces_damaged_file(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_refuses_pickle(tmp_path):
    np.savez(tmp_path / "a.npz", shapes=np.array([os.getcwd], object), pixels=np.zeros(0, np.uint8))
    with pytest.raises(ValueError, match="damaged"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_flipped_byte_is_detected_or_harmless(tmp_path):
    faces, path = make_faces(), tmp_path / "a.npz"
    write_faces(path, faces)
    whole = path.read_bytes()
    detected = 0
    for offset in range(0, len(whole), 3):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0x5A]) + whole[offset + 1 :])
        try:
            assert all(map(is_equal, read_faces(path, len(faces)), faces))
        except ValueError:
            detected += 1
    assert detected > len(whole) / 3 * 0.8


def test_content_key_depends_on_names_and_bytes_only(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(b"abc")
    os.utime(tmp_path / "two" / "a.png", (1, 1))
    one, two = (content_key([tmp_path / folder / "a.png"], tmp_path / folder, "decoding") for folder in ("one", "two"))
    assert one == two
    assert content_key([tmp_path / "one" / "a.png"], tmp_path / "one", "other decoding") != one
    before = (tmp_path / "two" / "a.png").stat()
    (tmp_path / "two" / "a.png").write_bytes(b"abd")
    os.utime(tmp_path / "two" / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_key([tmp_path / "two" / "a.png"], tmp_path / "two", "decoding") != one


def test_content_key_separates_names_and_contents(tmp_path):
    (tmp_path / "a").write_bytes(b"bc")
    (tmp_path / "ab").write_bytes(b"c")
    assert content_key([tmp_path / "a"], tmp_path, "") != content_key([tmp_path / "ab"], tmp_path, "")


@pytest.mark.parametrize(
    "spec", [SPEC, CropSpec(size=16), CropSpec(size=40, color="rgb"), CropSpec(size=32, detail=20)]
)
def test_load_split_cached_equals_decoded(drawn, spec, monkeypatch):
    first = data.load_split(drawn, "train", spec, quiet=True)
    monkeypatch.setattr(data, "read_image", lambda path: pytest.fail(f"{path} was decoded again"))
    again = data.load_split(drawn, "train", spec, quiet=True)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.targets, again.targets)
    assert first.names == again.names


def test_load_split_limited_equals_cached(drawn):
    cached = data.load_split(drawn, "train", SPEC, quiet=True)
    decoded = data.load_split(drawn, "train", SPEC, max_images=len(cached) - 1, quiet=True)
    rows = [cached.names.index(name) for name in decoded.names]
    assert len(rows) == len(cached) - 1
    assert np.array_equal(cached.images[rows], decoded.images)


def test_load_split_max_images_is_not_cached(drawn):
    data.load_split(drawn, "train", SPEC, max_images=7, quiet=True)
    assert list_cache(drawn) == []


def test_load_split_changed_image_is_decoded_again(drawn):
    before = data.load_split(drawn, "test", SPEC, quiet=True)
    path = drawn / "test" / "happy" / "drawn-test-happy-00.png"
    path.write_bytes((drawn / "test" / "sad" / "drawn-test-sad-00.png").read_bytes())
    after = data.load_split(drawn, "test", SPEC, quiet=True)
    changed = (before.images != after.images).any(axis=(1, 2, 3))
    assert [before.names[row] for row in np.flatnonzero(changed)] == [path.stem]


def test_load_split_damaged_cache_is_rebuilt_and_reported(drawn, capsys):
    before = data.load_split(drawn, "test", SPEC, quiet=True)
    (path,) = list_cache(drawn)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    after = data.load_split(drawn, "test", SPEC, quiet=True)
    assert "is damaged" in (output := capsys.readouterr().out)
    assert "decoding again" in output
    assert np.array_equal(before.images, after.images)
    assert path.read_bytes() == whole


def test_load_split_unwritable_cache_is_reported(drawn, capsys):
    (drawn.parent / "cache").write_text("a file in place of the folder")
    assert len(data.load_split(drawn, "test", SPEC, quiet=True)) == 35
    assert f"{drawn.parent / 'cache'} is not writable" in capsys.readouterr().out


def test_load_split_caches_broken_images(drawn, capsys):
    empty = drawn / "test" / "fear" / "empty.png"
    empty.write_bytes(b"")
    for _ in range(2):
        assert data.load_split(drawn, "test", SPEC).broken == (empty,)
        assert "1 image (fear/empty.png)" in capsys.readouterr().out


def test_read_faces_refuses_compressed_archive(tmp_path):
    shapes = np.array([[2000, 2000, 0]], np.int32)
    np.savez_compressed(tmp_path / "a.npz", shapes=shapes, pixels=np.zeros(4_000_000, np.uint8))
    with pytest.raises(ValueError, match=r"is damaged .* when unpacked"):
        read_faces(tmp_path / "a.npz", 1)


def test_read_faces_refuses_array_larger_than_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**60,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in ("shapes", "pixels"):
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(ValueError, match="is damaged"):
        read_faces(tmp_path / "a.npz", 1)
