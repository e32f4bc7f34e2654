import os
import stat
import sys
from pathlib import Path

import pytest

from fer_lib import atomic_write as drafts
from fer_lib.atomic_write import draft, remove_leftovers, write_bytes, write_text

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are those of POSIX")


def test_draft_appears_when_whole_and_not_before(tmp_path) -> None:
    out = tmp_path / "out.mp4"
    with draft(out) as half:
        half.write_text("new")
        assert half.parent == tmp_path
        assert half.suffix == ".mp4"
        assert not out.exists()
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_draft_leaves_what_was_there_when_the_block_fails(tmp_path, stop) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def write() -> None:
        with draft(out) as half:
            half.write_text("half")
            raise stop

    with pytest.raises(stop):
        write()
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_draft_of_a_folder_is_refused(tmp_path) -> None:
    with pytest.raises(IsADirectoryError, match="must be a file"), draft(tmp_path):
        pass


def test_draft_in_a_missing_folder_is_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="mkdir -p"), draft(tmp_path / "none" / "out.csv"):
        pass


def test_write_text_keeps_the_old_text_where_the_new_one_can_not_be_written(tmp_path):
    write_text(path := tmp_path / "a.txt", "früh\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "sp\udcffat")
    assert path.read_text(encoding="utf-8") == "früh\n"
    assert list(tmp_path.iterdir()) == [path]


def test_draft_name_is_another_each_time(tmp_path) -> None:
    names = set()
    for _ in range(20):
        with draft(tmp_path / "out.json") as half:
            names.add(half.name)
    assert len(names) == 20
    assert {len(name) for name in names} == {len(f".out.{'0' * 16}.part.json")}


@pytest.mark.parametrize(
    "name", ["ü" * 120 + ".json", "😀" * 60 + ".csv", "a." + "😀" * 60, "a" * 250 + ".csv", "." + "x" * 250]
)
def test_draft_of_a_long_name_fits(tmp_path, name) -> None:
    write_text(path := tmp_path / name, "{}")
    assert path.read_text() == "{}"
    with pytest.raises(ValueError, match="stop"), draft(path) as half:
        raise ValueError("stop")
    half.touch()
    remove_leftovers(path)
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o640, 0o640), (0o4755, 0o755)])
def test_draft_keeps_the_mode_of_the_file_that_it_replaces(tmp_path, before, after) -> None:
    (path := tmp_path / "out.csv").write_text("old")
    path.chmod(before)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == after


@posix
def test_draft_does_not_take_the_mode_of_a_file_of_somebody_else(tmp_path, monkeypatch) -> None:
    write_text(path := tmp_path / "out.csv", "old")
    usual = path.stat().st_mode
    path.chmod(0o777)
    monkeypatch.setattr(drafts.os, "geteuid", lambda: path.stat().st_uid + 1)
    write_text(path, "new")
    assert path.stat().st_mode == usual


@posix
def test_draft_does_not_take_the_mode_of_a_link(tmp_path) -> None:
    (other := tmp_path / "other.csv").write_text("old")
    other.chmod(0o600)
    (tmp_path / "out.csv").symlink_to(other)
    write_text(tmp_path / "new.csv", "new")
    write_text(tmp_path / "out.csv", "new")
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "new.csv").stat().st_mode


@posix
@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "file"])
def test_draft_never_opens_what_is_there_already(tmp_path, monkeypatch, kind) -> None:
    """Even a guessed name is no use."""
    monkeypatch.setattr(drafts.secrets, "token_hex", lambda size: "0" * 2 * size)
    other, planted = tmp_path / "of_somebody.txt", tmp_path / f".out.{'0' * 16}.part.json"
    other.write_text("as it was")
    if kind == "file":
        planted.touch()
    elif kind == "hard link":
        os.link(other, planted)
    else:
        planted.symlink_to(other if kind == "link" else tmp_path / "none")
    with pytest.raises(FileExistsError):
        write_text(tmp_path / "out.json", "through the link")
    assert other.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, planted.name])


@posix
def test_draft_replaces_a_link_at_the_final_name(tmp_path) -> None:
    other, out = tmp_path / "of_somebody.txt", tmp_path / "out.txt"
    other.write_text("as it was")
    out.symlink_to(other)
    write_bytes(out, b"new")
    assert (other.read_text(), out.read_bytes(), out.is_symlink()) == ("as it was", b"new", False)


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_draft_is_private_until_it_is_complete(tmp_path, umask, mode) -> None:
    before = os.umask(umask)
    try:
        with draft(tmp_path / "out.txt") as half:
            assert stat.S_IMODE(half.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == mode
        assert os.umask(umask) == umask
    finally:
        os.umask(before)


def test_draft_without_flags_of_posix(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(drafts, "_FLAGS", os.O_RDWR | os.O_CREAT | os.O_EXCL)  # as on Windows
    write_text(tmp_path / "out.txt", "new")
    assert (tmp_path / "out.txt").read_text() == "new"


def test_remove_leftovers_removes_only_temporary_files_of_this_name(tmp_path) -> None:
    keep = [".c.safetensors", "c.safetensors", ".c.short.part.safetensors", f".d.{'0' * 16}.part.safetensors"]
    for name in [*keep, f".c.{'0' * 16}.part.safetensors", f".c.{'a' * 16}.part.safetensors"]:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "c.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(keep)


def test_every_file_is_written_through_draft(project_root: Path) -> None:
    """Temporary names are made in one place."""
    paths = [
        path for folder in ("fer_lib", ".ci", "benchmarks", "stress") for path in (project_root / folder).rglob("*.py")
    ]
    found = [
        path.name for path in paths if ".part" in path.read_text().replace(".partition(", "").replace(".parts", "")
    ]
    assert found == ["drafts.py"]
