"""The check of avoided words, `.ci/words.py`. `make check` runs it on the whole project."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def words(project_root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("words", project_root / ".ci" / "words.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Put together here, so that this file passes the check itself.
TELL, HOUSE, KNOB = "te" + "ll", "hou" + "se", "kno" + "b"
TOLD, LOOK_AT, LOOKED_AT = "to" + "ld", "look" + " at", "looked" + "_at"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (f"the page {TELL}s the kernel", TELL),
        (f"it {TOLD} the kernel", TELL),
        (f"{KNOB.upper()}S = {{}}", KNOB),
        (f"{KNOB.capitalize()}s of training", KNOB),
        (f"def {TELL}_end() -> None:", TELL),
        (f"on{TELL.capitalize()}End()", TELL),
        (f"class {HOUSE.capitalize()}Rule:", HOUSE),
        (f"class HTTP{HOUSE.capitalize()}:", HOUSE),
        (f"{LOOK_AT} the frame", LOOK_AT),
        (f"was_{LOOKED_AT} = True", LOOK_AT),
        (f"at the end of the line: {HOUSE}", HOUSE),
    ],
)
def test_find_avoided_forms_and_identifiers(words, line, word):
    assert list(words.find_avoided(f"first line\n{line}\n")) == [(2, word)]


def test_find_avoided_every_occurrence(words):
    text = f"{HOUSE} {HOUSE}\n\n{TOLD}"
    assert list(words.find_avoided(text)) == [(1, HOUSE), (1, HOUSE), (3, TELL)]


@pytest.mark.parametrize("line", ["Return the intellectual, storehouse and knobbly.", "look up, at once", "", "x = 1"])
def test_find_avoided_nothing(words, line):
    assert list(words.find_avoided(line)) == []


def test_find_avoided_line_with_permission(words):
    assert list(words.find_avoided(f"{HOUSE}  # words: allow\n{HOUSE}")) == [(2, HOUSE)]


def test_project_files_exempt(words, project_root):
    assert [name for name in words.EXEMPT if not (project_root / name).exists()] == []
    if not (project_root / ".git").exists():
        pytest.skip("not a git checkout")
    paths = [str(path) for path in words.project_files()]
    assert {"README.md", "Makefile", "fer_lib/labels.py"} <= set(paths)
    assert [path for path in paths if path.startswith(words.EXEMPT)] == []


def test_main_prints_file_line_and_replacement(words, tmp_path, capsys):
    (tmp_path / "bad.py").write_text(f"x = 1\n{KNOB} = 2\n")
    (tmp_path / "good.py").write_text("setting = 2\n")
    assert words.main([str(tmp_path / "good.py")]) == 0
    assert capsys.readouterr().out == ""
    assert words.main([str(tmp_path / "good.py"), str(tmp_path / "bad.py")]) == 1
    assert capsys.readouterr().out == f"{tmp_path / 'bad.py'}:2: avoid '{KNOB}': setting\n"
