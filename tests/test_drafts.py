import pytest

from fer_lib.drafts import draft, write_text


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
