import os
import stat
import sys
from pathlib import Path

import pytest

from fer_lib import atomic_write as atomic_write_module
from fer_lib.atomic_write import atomic_write, remove_leftovers, write_bytes, write_text

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are those of POSIX")


def test_atomic_write_creates_the_file_when_complete(tmp_path) -> None:
    out = tmp_path / "out.mp4"
    with atomic_write(out) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".mp4"
        assert not out.exists()
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_atomic_write_keeps_the_old_file_after_an_error(tmp_path, stop) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def write() -> None:
        with atomic_write(out) as temporary:
            temporary.write_text("partial")
            raise stop

    with pytest.raises(stop):
        write()
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_atomic_write_path_is_a_folder(tmp_path) -> None:
    with pytest.raises(IsADirectoryError, match="must be a file"), atomic_write(tmp_path):
        pass


def test_atomic_write_missing_folder(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="mkdir -p"), atomic_write(tmp_path / "none" / "out.csv"):
        pass


def test_write_text_keeps_the_old_text_after_an_encoding_error(tmp_path):
    write_text(path := tmp_path / "a.txt", "früh\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "sp\udcffat")
    assert path.read_text(encoding="utf-8") == "früh\n"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write_unique_temporary_names(tmp_path) -> None:
    names = set()
    for _ in range(20):
        with atomic_write(tmp_path / "out.json") as temporary:
            names.add(temporary.name)
    assert len(names) == 20
    assert {len(name) for name in names} == {len(f".out.{'0' * 16}.part.json")}


@pytest.mark.parametrize(
    "name", ["ü" * 120 + ".json", "😀" * 60 + ".csv", "a." + "😀" * 60, "a" * 250 + ".csv", "." + "x" * 250]
)
def test_atomic_write_long_names(tmp_path, name) -> None:
    write_text(path := tmp_path / name, "{}")
    assert path.read_text() == "{}"
    with pytest.raises(ValueError, match="stop"), atomic_write(path) as temporary:
        raise ValueError("stop")
    temporary.touch()
    remove_leftovers(path)
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o640, 0o640), (0o4755, 0o755)])
def test_atomic_write_keeps_the_mode_of_the_replaced_file(tmp_path, before, after) -> None:
    (path := tmp_path / "out.csv").write_text("old")
    path.chmod(before)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == after


@posix
def test_atomic_write_ignores_the_mode_of_a_file_of_another_user(tmp_path, monkeypatch) -> None:
    write_text(path := tmp_path / "out.csv", "old")
    default = path.stat().st_mode
    path.chmod(0o777)
    monkeypatch.setattr(atomic_write_module.os, "geteuid", lambda: path.stat().st_uid + 1)
    write_text(path, "new")
    assert path.stat().st_mode == default


@posix
def test_atomic_write_ignores_the_mode_of_a_link(tmp_path) -> None:
    (other := tmp_path / "other.csv").write_text("old")
    other.chmod(0o600)
    (tmp_path / "out.csv").symlink_to(other)
    write_text(tmp_path / "new.csv", "new")
    write_text(tmp_path / "out.csv", "new")
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "new.csv").stat().st_mode


@posix
@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "file"])
def test_atomic_write_refuses_an_existing_temporary_name(tmp_path, monkeypatch, kind) -> None:
    """A file or link planted under a predicted temporary name is neither opened nor followed."""
    monkeypatch.setattr(atomic_write_module.secrets, "token_hex", lambda size: "0" * 2 * size)
    other, planted = tmp_path / "of_another_user.txt", tmp_path / f".out.{'0' * 16}.part.json"
    other.write_text("unchanged")
    if kind == "file":
        planted.touch()
    elif kind == "hard link":
        os.link(other, planted)
    else:
        planted.symlink_to(other if kind == "link" else tmp_path / "none")
    with pytest.raises(FileExistsError):
        write_text(tmp_path / "out.json", "through the link")
    assert other.read_text() == "unchanged"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, planted.name])


@posix
def test_atomic_write_replaces_a_link(tmp_path) -> None:
    other, out = tmp_path / "of_another_user.txt", tmp_path / "out.txt"
    other.write_text("unchanged")
    out.symlink_to(other)
    write_bytes(out, b"new")
    assert (other.read_text(), out.read_bytes(), out.is_symlink()) == ("unchanged", b"new", False)


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_atomic_write_temporary_file_is_private(tmp_path, umask, mode) -> None:
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "out.txt") as temporary:
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == mode
        assert os.umask(umask) == umask
    finally:
        os.umask(before)


def test_atomic_write_without_posix_flags(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(atomic_write_module, "_FLAGS", os.O_RDWR | os.O_CREAT | os.O_EXCL)  # as on Windows
    write_text(tmp_path / "out.txt", "new")
    assert (tmp_path / "out.txt").read_text() == "new"


def test_remove_leftovers_of_this_path_only(tmp_path) -> None:
    keep = [".c.safetensors", "c.safetensors", ".c.short.part.safetensors", f".d.{'0' * 16}.part.safetensors"]
    for name in [*keep, f".c.{'0' * 16}.part.safetensors", f".c.{'a' * 16}.part.safetensors"]:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "c.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(keep)


def test_atomic_write_is_the_only_writer_of_temporary_files(project_root: Path) -> None:
    """No other module creates temporary names."""
    paths = [
        path for folder in ("fer_lib", ".ci", "benchmarks", "stress") for path in (project_root / folder).rglob("*.py")
    ]
    found = [
        path.name for path in paths if ".part" in path.read_text().replace(".partition(", "").replace(".parts", "")
    ]
    assert found == ["atomic_write.py"]
