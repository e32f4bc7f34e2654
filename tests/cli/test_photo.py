import json

import pytest
from factories import make_frame, make_portrait

from fer_lib.cli.main import main
from fer_lib.labels import EMOTIONS
from fer_lib.vision.media.photo import write_photo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to be in, with one photo of a face, one of nobody, and a text that says it is a photo."""
    write_photo(tmp_path / "face.jpg", make_portrait(300))
    write_photo(tmp_path / "nobody.png", make_frame())
    (tmp_path / "text.jpg").write_text("hello")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_photo_says_what_it_sees(folder, capsys) -> None:
    assert main(["photo", "face.jpg", "nobody.png"]) == 0
    first, face, last = capsys.readouterr().out.splitlines()
    assert first == "face.jpg: 1 face"
    assert face.split()[0] in EMOTIONS
    assert last == "nobody.png: no face"


def test_photo_json_is_an_object_a_line_and_one_bad_photo_does_not_cost_the_others(folder, capsys) -> None:
    assert main(["photo", "--json", "text.jpg", "face.jpg"]) == 2
    said = capsys.readouterr()
    bad, good = map(json.loads, said.out.splitlines())
    assert said.err.count("\n") == 1
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


def test_photo_draws_one_into_a_file(folder) -> None:
    assert main(["photo", "face.jpg", "-o", "out.png"]) == 0
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")


def test_photo_draws_a_folder_into_another_with_words_in_any_order(folder) -> None:
    (folder / "text.jpg").unlink()
    assert main(["photo", ".", "-o", "out", "MAX_FACES=1", "--json"]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["face.jpg", "nobody.png"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["face.jpg", "nobody.png", "-o", "text.jpg"], "`-o` must be a folder for several photos"),
        (["face.jpg", "./face.jpg", "-o", "out"], "face.jpg twice"),
        (["empty"], "the folder empty must contain photos"),
        (["face.jpg", "-o", "face.jpg"], "must not take the place of the input"),
        (["face.jpg", "-o", "out.pdf"], "a photo must end in"),
        ([".", "-o", "."], "must not take the place of the input"),
    ],
)
def test_photo_refuses(folder, capsys, words, sentence) -> None:
    (folder / "empty").mkdir()
    before = (folder / "face.jpg").read_bytes()
    assert main(["photo", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert (folder / "face.jpg").read_bytes() == before
