import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_lib import __version__
from fer_lib.cli import main as front
from fer_lib.cli.main import COMMANDS, main
from fer_lib.cli.parsing import split_settings


def run(*words: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "fer_lib", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_main_without_words_shows_the_commands(capsys) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in said] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: fer-lib {name}")
    assert "examples:" in said or name == "evaluate"


def test_version(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"fer-lib {__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["phtoo"], "fer-lib: `phtoo` is not a command; did you mean `photo`?"),
        (["xyz"], "fer-lib: `xyz` is not a command; there are photo, video"),
        (["photo"], "fer-lib photo: the following arguments are required: photo; `fer-lib photo --help` shows how"),
        (["photo", "MAX_FACES=3"], "fer-lib photo: name at least one photo"),
        (["photo", "none.jpg", "--sjon"], "fer-lib photo: unrecognized arguments: --sjon"),
        (["photo", "a.jpg", "MAX_FACE=3"], "`max_face` is not a setting that this project knows; did you mean"),
        (["photo", "a.jpg", "MAX_FACES=x"], "`FER_MAX_FACES` must be a whole number from 1 to 200, but got 'x'"),
        (["photo", "a.jpg", "WEIGHTS_DIR=none"], "none/mtcnn_pnet.json must exist"),
        (["video", "none.mp4"], "fer-lib video: the video none.mp4 must be a file, but there is no such file"),
        (["video", "."], "fer-lib video: the video . must be a file, but there is a folder"),
        (["video", "a.mp4", "b.mp4"], "fer-lib video: name one video, but got 2"),
        (["video", "a.mp4", "-o", "b.gif"], "fer-lib video: a video must end in .mp4"),
        (["video", "a.mp4", "--csv", "b.xlsx"], "a recording must end in .csv or .json"),
        (["live", "--port", "99999"], "fer-lib live: `--port` must be a free port of localhost, but got 99999"),
        (["live", "SMOOTH=1"], "`SMOOTH` is not a setting of the live page; known are"),
        (["live", "fast"], "fer-lib live: unexpected `fast`"),
        (["serve", "PORT=0"], "`FER_SERVICE_PORT` must be"),
        (["serve", "SPEED=1"], "`speed` is not a setting"),
        (["serve", "fast"], "fer-lib serve: unexpected `fast`"),
        (["sweep", "none.yaml"], "must be a YAML file, but there is no none.yaml"),
        (["doctor", "me"], "fer-lib doctor: unexpected `me`"),
        (["evaluate", "--data", "none"], "none"),
    ],
)
def test_main_tells_what_is_wrong_in_a_sentence(tmp_path, monkeypatch, capsys, words, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_main_after_ctrl_c_says_so(monkeypatch, capsys) -> None:
    class Interrupted:
        @staticmethod
        def main(words):
            raise KeyboardInterrupt

    monkeypatch.setattr(front, "import_module", lambda name: Interrupted)
    assert main(["video", "in.mp4"]) == 130
    assert capsys.readouterr().err == "fer-lib video: interrupted; nothing half-written is left behind\n"


def test_python_m_does_the_same(project_root) -> None:
    done = run("vidoe", cwd=project_root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fer-lib: `vidoe` is not a command; did you mean `video`?\n"


def test_split_settings_parts_words_from_settings(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "A=B").touch()
    words = ["in.jpg", "MAX_FACES=3", "FER_SMOOTHING_S=0", "A=B", "a=b.jpg", "x/A=1"]
    assert split_settings(words) == (["in.jpg", "A=B", "a=b.jpg", "x/A=1"], {"max_faces": "3", "smoothing_s": "0"})


# Sets the title of a terminal, ends the line, reverses the text behind it, and is no UTF-8.
HOSTILE = "a\x1b]0;title\x07\n\u202e\x9b31m\udcff"


def controls(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")} - {"\n"}


@pytest.mark.parametrize(
    "words",
    [
        [HOSTILE],
        ["photo", HOSTILE + ".jpg"],
        ["photo", "none.jpg", "--" + HOSTILE],
        ["photo", "in.png", "-o", HOSTILE + ".jpg/out.png"],
        ["photo", "in.png", "-o", HOSTILE + ".gif"],
        ["photo", "in.png", "WEIGHTS_DIR=" + HOSTILE],
        ["video", HOSTILE + ".mp4"],
        ["video", "in.png", "-o", HOSTILE + ".gif"],
        ["video", "text-" + HOSTILE],
        ["sweep", HOSTILE],
        ["evaluate", "--data", HOSTILE],
        ["evaluate", "--weights", HOSTILE],
        ["doctor", HOSTILE],
        ["serve", HOSTILE],
        ["live", "--ip", HOSTILE],
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="such names are those of POSIX")
def test_main_escapes_names_in_errors(tmp_path, monkeypatch, capsys, words) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("in.png", np.zeros((40, 40, 3), np.uint8))
    Path("text-" + HOSTILE).write_text("hello")
    try:
        status = main(words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    said = capsys.readouterr().err
    assert "]0;title" in said
    assert controls(said) == set()
    assert len(said.strip().splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="such names are those of POSIX")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8:strict"])
def test_script_prints_any_name_in_any_encoding(tmp_path, project_root, encoding) -> None:
    cv2.imwrite(str(tmp_path / "in.png"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "in.png").rename(tmp_path / (HOSTILE + "笑.png"))
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(project_root)}
    command = [sys.executable, "-m", "fer_lib", "photo", ".", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode(encoding.partition(":")[0])
    assert "no face" in said
    assert controls(said) == set()
    assert len(said.splitlines()) == 1
