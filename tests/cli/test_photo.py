import json

import pytest
from factories import make_frame, make_portrait

from fer_lib.cli.main import main
from fer_lib.labels import EMOTIONS
from fer_lib.vision.media.photo import write_photo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a photo of a face, a photo without a face, and a text file with the suffix of a photo."""
    write_photo(tmp_path / "face.jpg", make_portrait(300))
    write_photo(tmp_path / "empty.png", make_frame())
    (tmp_path / "text.jpg").write_text("hello")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_photo_prints_the_faces(folder, capsys) -> None:
    assert main(["photo", "face.jpg", "empty.png"]) == 0
    first, face, last = capsys.readouterr().out.splitlines()
    assert first == "face.jpg: 1 face"
    assert face.split()[0] in EMOTIONS
    assert last == "empty.png: no face"


def test_photo_json_is_one_object_per_line_also_for_unreadable_photos(folder, capsys) -> None:
    assert main(["photo", "--json", "text.jpg", "face.jpg"]) == 2
    output = capsys.readouterr()
    bad, good = map(json.loads, output.out.splitlines())
    assert output.err.count("\n") == 1
    assert set(bad) == {"photo", "error"}
    assert (good["photo"], good["output"]) == ("face.jpg", None)
    (face,) = good["faces"]
    assert set(face) == {"label", "probability", "probabilities", "xyxy", "confidence", "landmarks"}
    assert list(face["probabilities"]) == list(EMOTIONS)
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert face["probability"] == face["probabilities"][face["label"]] == max(face["probabilities"].values())
    x1, y1, x2, y2 = face["xyxy"]
    assert 0 <= x1 < x2 <= 300
    assert 0 <= y1 < y2 <= 300


def test_photo_output_file(folder) -> None:
    assert main(["photo", "face.jpg", "-o", "out.png"]) == 0
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")


def test_photo_output_folder_with_arguments_in_any_order(folder) -> None:
    (folder / "text.jpg").unlink()
    assert main(["photo", ".", "-o", "out", "MAX_FACES=1", "--json"]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["empty.png", "face.jpg"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["face.jpg", "empty.png", "-o", "text.jpg"], ("`-o`", "text.jpg", "folder")),
        (["face.jpg", "./face.jpg", "-o", "out"], ("face.jpg", "twice")),
        (["empty"], ("folder empty", "must contain photos")),
        (["face.jpg", "-o", "face.jpg"], ("face.jpg", "input")),
        (["face.jpg", "-o", "out.pdf"], ("out.pdf", ".jpg", ".png")),
        ([".", "-o", "."], ("face.jpg", "input")),
    ],
)
def test_photo_wrong_arguments_are_errors(folder, capsys, words, parts) -> None:
    (folder / "empty").mkdir()
    before = (folder / "face.jpg").read_bytes()
    assert main(["photo", *words]) == 2
    error = capsys.readouterr().err
    assert [part for part in parts if part not in error] == []
    assert (folder / "face.jpg").read_bytes() == before
