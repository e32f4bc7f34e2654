import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fer_lib import __version__
from fer_lib.cli import live
from fer_lib.cli import main as entry
from fer_lib.cli.main import COMMANDS, main
from fer_lib.settings import (
    EvaluationSettings,
    LiveSettings,
    RemoteSettings,
    ServerSettings,
    ServiceSettings,
    TrainingSettings,
    VisionSettings,
)
from fer_lib.sweeps import sweep as sweep_command
from fer_lib.sweeps.trials import list_trials
from fer_lib.training import __main__ as training_command


def run(*words: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "fer_lib", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_main_without_arguments_lists_the_commands(capsys) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: fer-lib {name}")
    assert "\nexamples:\n" in text
    assert "NAME=value" in text


GROUPS = {
    "photo": (VisionSettings,),
    "video": (VisionSettings,),
    "live": (VisionSettings, LiveSettings, ServerSettings, RemoteSettings),
    "serve": (ServiceSettings,),
    "train": (TrainingSettings,),
    "sweep": (TrainingSettings,),
    "evaluate": (EvaluationSettings,),
    "doctor": (VisionSettings,),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_every_setting_of_the_command(name, capsys) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    text = capsys.readouterr().out
    fields = [
        (f"{live.OPTION_PREFIXES.get(group, '')}{field}", info)
        for group in GROUPS[name]
        for field, info in group.model_fields.items()
    ]
    options = [f"\n  --{field.replace('_', '-')} " for field, _ in fields]
    assert [option for option in options if option not in text] == []
    in_one_line = "".join(text.split())
    ends = ["".join(f"{info.description} (default:".split()) for _, info in fields]
    assert [end for end in ends if end not in in_one_line] == []


def test_help_of_train_has_every_setting_in_a_section() -> None:
    listed = [field for fields in training_command.SECTIONS.values() for field in fields]
    assert sorted(listed) == sorted(TrainingSettings.model_fields)


def test_help_imports_no_heavy_package(project_root) -> None:
    script = f"""
import sys
from fer_lib.cli.main import main
for name in {list(COMMANDS)!r}:
    try:
        main([name, "--help"])
    except SystemExit as ended:
        assert ended.code == 0
print(sorted({{"torch", "ray", "fastapi", "papermill", "sklearn", "voila"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project_root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"fer-lib {__version__}\n"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["phtoo"], ["fer-lib: ", "`phtoo`", "did you mean `photo`?"]),
        (["xyz"], ["fer-lib: ", "`xyz`", *COMMANDS]),
        (["photo"], ["fer-lib photo: ", "required: photo", "`fer-lib photo --help`"]),
        (["photo", "MAX_FACES=3"], ["fer-lib photo: ", "required: photo"]),
        (["photo", "none.jpg", "--sjon"], ["fer-lib photo: ", "`--sjon`", "`--json`"]),
        (["photo", "a.jpg", "MAX_FACE=3"], ["fer-lib photo: ", "`MAX_FACE`", "`max_faces`"]),
        (["photo", "a.jpg", "MAX_FACES=x"], ["fer-lib photo: ", "`FER_MAX_FACES`", "1", "200", "'x'"]),
        (["photo", "a.jpg", "--max-faces", "x"], ["fer-lib photo: ", "`FER_MAX_FACES`", "1", "200", "'x'"]),
        (["photo", "a.jpg", "WEIGHTS_DIR=none"], ["fer-lib photo: ", "none/mtcnn_pnet.json"]),
        (["video", "none.mp4"], ["fer-lib video: ", "none.mp4"]),
        (["video", "."], ["fer-lib video: ", "folder"]),
        (["video", "a.mp4", "b.mp4"], ["fer-lib video: ", "b.mp4"]),
        (["video", "a.mp4", "-o", "b.gif"], ["fer-lib video: ", ".mp4"]),
        (["video", "a.mp4", "--csv", "b.xlsx"], ["fer-lib video: ", ".csv", ".json"]),
        (["live", "--port", "99999"], ["fer-lib live: ", "`PORT`", "localhost", "99999", "PORT=9000"]),
        (["live", "PORT=99999"], ["fer-lib live: ", "`PORT`", "99999"]),
        (["live", "SMOOTHING=1"], ["fer-lib live: ", "`SMOOTHING`", "`SMOOTHING_S`"]),
        (["live", "JPEG_QUALITY=2"], ["fer-lib live: ", "`FER_JPEG_QUALITY`", "'2'"]),
        (["live", "fast"], ["fer-lib live: ", "fast"]),
        (["serve", "PORT=0"], ["fer-lib serve: ", "`FER_SERVICE_PORT`", "'0'"]),
        (["serve", "--port", "0"], ["fer-lib serve: ", "`FER_SERVICE_PORT`", "'0'"]),
        (["serve", "FER_SERVICE_PORT=0"], ["fer-lib serve: ", "`FER_SERVICE_PORT`", "'0'"]),
        (["serve", "SPEED=1"], ["fer-lib serve: ", "`SPEED`"]),
        (["serve", "--prot", "8000"], ["fer-lib serve: ", "`--prot`", "`--port`"]),
        (["serve", "fast"], ["fer-lib serve: ", "fast"]),
        (["train", "NUM_EPOCHS=0"], ["fer-lib train: ", "`NUM_EPOCHS`", "'0'"]),
        (["train", "--num-epochs", "0"], ["fer-lib train: ", "`NUM_EPOCHS`", "'0'"]),
        (["train", "--num-epoch", "2"], ["fer-lib train: ", "`--num-epoch`", "`--num-epochs`"]),
        (["train", "NUM_EPOCH=2"], ["fer-lib train: ", "`NUM_EPOCH`", "`num_epochs`"]),
        (["train", "fast"], ["fer-lib train: ", "fast"]),
        (["sweep", "none.yaml"], ["fer-lib sweep: ", "none.yaml"]),
        (["sweep", "plan.yaml", "NUM_EPOCHS=0"], ["fer-lib sweep: ", "`NUM_EPOCHS`", "'0'"]),
        (["sweep", "plan.yaml", "--num-epochs", "0"], ["fer-lib sweep: ", "`NUM_EPOCHS`", "'0'"]),
        (["sweep", "plan.yaml", "OPTIMIZER=sgd"], ["fer-lib sweep: ", "`OPTIMIZER`", "plan.yaml"]),
        (["doctor", "me"], ["fer-lib doctor: ", "me"]),
        (["evaluate", "--data", "none"], ["fer-lib evaluate: ", "none"]),
        (["evaluate", "SPLIT=dev"], ["fer-lib evaluate: ", "`SPLIT`", "'dev'"]),
        (["evaluate", "--split", "dev"], ["fer-lib evaluate: ", "`SPLIT`", "'dev'"]),
        (["evaluate", "--photos", ".", "--split", "test"], ["fer-lib evaluate: ", "`--photos`", "--split"]),
    ],
)
def test_main_prints_an_error_in_one_line(tmp_path, monkeypatch, capsys, words, parts) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text("name: small\ngrid: {optimizer: [adam, sgd]}\n")
    try:
        status = main(words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    error = capsys.readouterr().err
    assert error.startswith(parts[0])
    assert [part for part in parts if part not in error] == []
    assert error.count("\n") == 1


def test_main_after_ctrl_c(monkeypatch, capsys) -> None:
    class Interrupted:
        @staticmethod
        def main(words, prog):
            raise KeyboardInterrupt

    monkeypatch.setattr(entry, "import_module", lambda name: Interrupted)
    assert main(["video", "in.mp4"]) == 130
    error = capsys.readouterr().err
    assert error.startswith("fer-lib video: interrupted")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "words", "settings"),
    [
        ("serve", ["--port", "8001", "THREADS=3"], {"port": 8001, "threads": 3}),
        ("serve", ["FER_SERVICE_PORT=8001", "--max-batch", "3"], {"port": 8001, "max_batch": 3}),
        ("serve", ["FER_SERVICE_MAX_UPLOAD_BYTES=2500000", "SERVICE_PORT=8001"], {"port": 8001, "max_upload_mb": 2.5}),
    ],
)
def test_serve_uses_the_settings(monkeypatch, name, words, settings) -> None:
    started = []
    monkeypatch.setattr("fer_lib.service.serving.serve", started.append)
    assert main([name, *words]) == 0
    (found,) = started
    assert {field: getattr(found, field) for field in settings} == settings


def test_train_uses_the_settings(monkeypatch, tmp_path, capsys) -> None:
    started = []

    def launch(settings, sources):
        started.append((settings, sources))
        return SimpleNamespace(folder=tmp_path)

    monkeypatch.setitem(sys.modules, "fer_lib.training.launch", SimpleNamespace(launch=launch))
    assert main(["train", "--num-epochs", "2", "OPTIMIZER=sgd", "--no-shared-batch-norm"]) == 0
    ((settings, sources),) = started
    assert (settings.num_epochs, settings.optimizer, settings.shared_batch_norm) == (2, "sgd", False)
    assert (sources["num_epochs"], sources["seed"]) == ("parameter", "default")
    assert capsys.readouterr().out == f"{tmp_path}\n"


def test_sweep_uses_the_settings_in_every_run(monkeypatch, tmp_path) -> None:
    started = []
    monkeypatch.setattr(sweep_command, "run_sweep", lambda plan: started.append(plan) or [])
    (tmp_path / "plan.yaml").write_text(
        f"name: a\nsettings: {{runs_dir: {tmp_path}}}\ngrid: {{optimizer: [adam, sgd]}}\n"
    )
    assert main(["sweep", str(tmp_path / "plan.yaml"), "--num-epochs", "2", "SEED=1"]) == 0
    assert {(one.settings["num_epochs"], one.settings["seed"]) for one in list_trials(started[0])} == {(2, 1)}


def test_python_m_fer_lib_is_fer_lib(project_root) -> None:
    done = run("vidoe", cwd=project_root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fer-lib: ")
    assert "`video`" in done.stderr


# A file name with an escape sequence (terminal title), a line feed, a bidirectional override and invalid UTF-8.
HOSTILE = "a\x1b]0;title\x07\n\u202e\x9b31m\udcff"


def control_characters(text: str) -> set[str]:
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
        ["train", HOSTILE],
        ["train", "OPTIMIZER=" + HOSTILE],
        ["live", "--ip", HOSTILE],
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such file names")
def test_main_escapes_control_characters_in_errors(tmp_path, monkeypatch, capsys, words) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("in.png", np.zeros((40, 40, 3), np.uint8))
    Path("text-" + HOSTILE).write_text("hello")
    try:
        status = main(words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    text = capsys.readouterr().err
    assert "]0;title" in text
    assert control_characters(text) == set()
    assert len(text.strip().splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such file names")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8:strict"])
def test_script_escapes_names_in_any_encoding(tmp_path, project_root, encoding) -> None:
    cv2.imwrite(str(tmp_path / "in.png"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "in.png").rename(tmp_path / (HOSTILE + "笑.png"))
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(project_root)}
    command = [sys.executable, "-m", "fer_lib", "photo", ".", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding.partition(":")[0])
    assert "no face" in text
    assert control_characters(text) == set()
    assert len(text.splitlines()) == 1
