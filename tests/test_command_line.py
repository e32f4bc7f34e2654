"""The grammar of all commands, on a small command with settings."""

import os
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.command_line import CommandParser, error_text, run_command
from fer_lib.settings import Settings, TrainingSettings
from fer_lib.terminal import printable


class SmallSettings(Settings):
    """Settings of a small command."""

    model_config = SettingsConfigDict(env_prefix="FER_SMALL_")

    num_epochs: int = Field(22, ge=1, le=100, description="passes over the data")
    crop_shift: float = Field(0.5, ge=-1, le=1, description="share of the box, 50% by default")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimizer")
    mirror: bool = Field(False, description="mirror the images")
    data_dir: Path | None = Field(None, description="folder of the images")


class OtherSettings(Settings):
    """A second group."""

    max_faces: int = Field(16, ge=1, description="faces per frame")


def make_parser(files: bool = False, other: bool = False) -> CommandParser:
    parser = CommandParser("fer-lib small", "Do something small.", "fer-lib small --num-epochs 2")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-o", "--output")
    parser.add_argument("-p", nargs=2, action="append")
    if files:
        parser.add_argument("files", nargs="+")
    parser.add_settings(SmallSettings, "small settings", aliases={"data_dir": "--data"})
    if other:
        parser.add_settings(OtherSettings, "other settings")
    return parser


@pytest.mark.parametrize(
    "words",
    [
        ["--num-epochs", "2"],
        ["--num-epochs=2"],
        ["NUM_EPOCHS=2"],
        ["num_epochs=2"],
        ["FER_NUM_EPOCHS=2"],
        ["FER_SMALL_NUM_EPOCHS=2"],
        ["NUM_EPOCHS=5", "--num-epochs", "2"],
        ["--num-epochs", "5", "NUM_EPOCHS=2"],
    ],
)
def test_parse_words_forms_of_a_setting(words) -> None:
    assert make_parser().parse_words(words)[1] == {"num_epochs": "2"}


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ([], {}),
        (["--mirror"], {"mirror": "true"}),
        (["--no-mirror"], {"mirror": "false"}),
        (["--mirror", "false"], {"mirror": "false"}),
        (["--mirror=no"], {"mirror": "no"}),
        (["MIRROR=0"], {"mirror": "0"}),
        (["--mirror", "--num-epochs", "3"], {"mirror": "true", "num_epochs": "3"}),
        (["--crop-shift", "-0.5"], {"crop_shift": "-0.5"}),
        (["CROP_SHIFT=-0.5"], {"crop_shift": "-0.5"}),
        (["--data", "a=b"], {"data_dir": "a=b"}),
        (["DATA=x", "OPTIMIZER="], {"data_dir": "x", "optimizer": ""}),
        (["DATA_DIR=a=b c"], {"data_dir": "a=b c"}),
    ],
)
def test_parse_words_values(words, settings) -> None:
    assert make_parser().parse_words(words)[1] == settings


def test_parse_words_options_of_the_command_have_both_forms_too() -> None:
    for words in (["--port", "8"], ["--port=8"], ["PORT=8"]):
        assert make_parser().parse_words(words)[0].port == 8
    arguments, settings = make_parser().parse_words(["-o", "PORT=1", "-p", "NUM_EPOCHS", "PORT=2", "--json"])
    assert (arguments.output, arguments.p, arguments.port) == ("PORT=1", [["NUM_EPOCHS", "PORT=2"]], 80)
    assert arguments.json
    assert settings == {}


def test_parse_words_between_files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MIRROR=1").touch()
    words = [
        "in.jpg",
        "NUM_EPOCHS=3",
        "MIRROR=1",
        "a=b.jpg",
        "--json",
        "x/A=1",
        "num_epochs=4",
        "--",
        "OPTIMIZER=sgd",
        "-x",
    ]
    arguments, settings = make_parser(files=True).parse_words(words)
    assert arguments.files == ["in.jpg", "MIRROR=1", "a=b.jpg", "x/A=1", "num_epochs=4", "OPTIMIZER=sgd", "-x"]
    assert settings == {"num_epochs": "3"}


def test_parse_words_of_a_name_that_no_file_can_have() -> None:
    value = "x" * 5000
    assert make_parser(files=True).parse_words(["a", f"DATA_DIR={value}"])[1] == {"data_dir": value}


def test_parse_words_reads_the_command_line_of_the_process(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["small", "--port", "9"])
    assert make_parser().parse_words()[0].port == 9


@pytest.mark.parametrize("word", ["FER_TRAIN_NUM_EPOCHS=2", "TRAIN_NUM_EPOCHS=2", "FER_NUM_EPOCHS=2", "NUM_EPOCHS=2"])
def test_parse_words_setting_without_prefix_in_the_environment(word) -> None:
    parser = CommandParser("fer-lib train", "Train.", "")
    parser.add_settings(TrainingSettings, "settings")
    assert parser.parse_words([word])[1] == {"num_epochs": "2"}


def test_parse_words_unknown_setting_is_rejected_by_its_group() -> None:
    for word in ("NUM_EPOCH=3", "FER_NUM_EPOCH=3"):
        _, settings = make_parser().parse_words([word])
        with pytest.raises(ValueError, match="did you mean `num_epochs`"):
            SmallSettings.load(**settings)


@pytest.mark.parametrize(
    ("words", "unknown", "nearest"),
    [
        (["--num-epoch", "3"], "--num-epoch", "--num-epochs"),
        (["--num_epochs=3"], "--num_epochs", "--num-epochs"),
        (["--no-miror"], "--no-miror", "--no-mirror"),
        (["--jsn"], "--jsn", "--json"),
        (["MAX_FACE=3"], "MAX_FACE", "MAX_FACES"),
        (["FER_MAX_FACE=3"], "FER_MAX_FACE", "MAX_FACES"),
    ],
)
def test_parse_words_unknown_name_suggests_the_nearest(capsys, words, unknown, nearest) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser(other=True).parse_words(words)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("fer-lib small: ")
    assert f"`{unknown}`" in error
    assert f"did you mean `{nearest}`?" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--xyzzy"], ["extra"], ["-z"], ["--port"], ["--port", "x"], ["--json=1"]])
def test_parse_words_error_is_one_line(capsys, words) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_words(words)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fer-lib small: ")
    assert words[0].partition("=")[0] in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("word", ["\x1b]0;title\x07", "--\x1b]0;title\x07", "\udcff\n"])
def test_parse_words_error_escapes_control_characters(capsys, word) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_words([word])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert printable(word) in error


def test_help_lists_every_setting_with_its_default(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        make_parser(files=True, other=True).parse_words(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--num-epochs N passes over the data (default: 22; a whole number from 1 to 100)" in text
    assert "--crop-shift X share of the box, 50% by default (default: 0.5; a number from -1 to 1)" in text
    assert "--optimizer {adam,sgd} optimizer (default: adam)" in text
    assert "mirror the images (default: false)" in text
    assert "--data-dir PATH, --data PATH folder of the images (default: none)" in text
    assert text.index(" small settings: ") < text.index(" other settings: ")
    assert text.endswith("examples: fer-lib small --num-epochs 2")


def test_help_sections(capsys) -> None:
    parser = CommandParser("fer-lib small", "Do something small.")
    parser.add_settings(SmallSettings, "rest", {"first": ("optimizer",)})
    with pytest.raises(SystemExit):
        parser.parse_words(["--help"])
    text = capsys.readouterr().out
    first, rest = (text.partition(f"\n{title}:\n")[2].partition("\n\n")[0] for title in ("first", "rest"))
    assert "--optimizer" in first
    assert "--num-epochs" not in first
    assert "--optimizer" not in rest
    assert "--num-epochs" in rest


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong value"), "wrong value"),
        (ModuleNotFoundError("no av"), "no av"),
        (RuntimeError("wrong moment"), "wrong moment"),
        (FloatingPointError("the loss is not finite"), "the loss is not finite"),
        (PermissionError(13, "Permission denied", "a\x1b.png"), r"a\x1b.png can't be used: permission denied"),
        (OSError(), "OSError"),
    ],
)
def test_run_command_prints_errors_under_the_name(capsys, error, text) -> None:
    def fail() -> int:
        raise error

    assert run_command("fer-lib small", fail) == 2
    assert capsys.readouterr().err == f"fer-lib small: {text}\n"


def test_run_command_returns_the_status_and_raises_other_errors() -> None:
    assert run_command("fer-lib small", lambda: 1) == 1
    with pytest.raises(KeyError):
        run_command("fer-lib small", lambda: {}["x"])


def test_run_command_after_ctrl_c(capsys) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    assert run_command("fer-lib small", interrupt, "interrupted; run it again") == 130
    assert capsys.readouterr().err == "fer-lib small: interrupted; run it again\n"


def test_error_text_of_a_missing_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        (tmp_path / "none").read_text()
    assert error_text(raised.value).startswith(os.fspath(tmp_path / "none"))
