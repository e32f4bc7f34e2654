"""Sweeps on a local Ray cluster: run folders, retries after failures, and continuation."""

import json
from pathlib import Path

import nbformat
import pytest
import yaml

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("small_ray"), pytest.mark.timeout(900)]
pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[2]
# A notebook without training: it always fails with `sgd`, and at the first attempt with `adam`.
NOTEBOOK = """
import json, pathlib
from fer_lib.settings import TrainingSettings
runs = pathlib.Path(RUNS_DIR)
attempts = runs / f"attempts-{OPTIMIZER}"
attempts.write_text(attempts.read_text() + "x" if attempts.exists() else "x")
if OPTIMIZER == "sgd" or (OPTIMIZER == "adam" and attempts.read_text() == "x"):
    raise FloatingPointError("the loss is not finite")
folder = runs / f"20260101-000000-{RUN_NAME}"
folder.mkdir()
settings = TrainingSettings.load(**TrainingSettings.parameters(globals())).model_dump(mode="json")
(folder / "settings.json").write_text(json.dumps({"settings": settings}))
card = {"metrics": {"validation": {"accuracy": LEARNING_RATE}}}
(folder / "emotion.json").write_text(json.dumps(card))
"""


def write_plan(folder, **plan):
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(plan))
    return str(path)


def test_main_retries_failed_trials_and_skips_finished_ones(tmp_path, capsys):
    from fer_lib.sweeps.sweep import main

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "quick.ipynb")
    runs = tmp_path / "runs"
    plan = write_plan(
        tmp_path,
        name="quick",
        notebook=str(tmp_path / "quick.ipynb"),
        settings={"runs_dir": str(runs)},
        grid={"optimizer": ["sgd", "adam", "adamw"], "learning_rate": [0.5]},
    )
    assert main([plan]) == 1
    output = capsys.readouterr().out
    assert "3 runs, 0 already finished" in output
    assert output.count("failed, retrying") == 2
    assert output.count("failed 2 times") == 1
    assert "FloatingPointError: the loss is not finite" in output
    assert output.count("finished: ") == 2
    assert output.rstrip().splitlines()[-1].startswith(" 50.0%  20260101-000000-quick-")
    folders = sorted(runs.glob("*/"))
    assert len(folders) == 2
    assert all((folder / "quick.ipynb").is_file() for folder in folders)

    assert main([plan]) == 1
    assert "3 runs, 2 already finished" in capsys.readouterr().out
    attempts = {path.name: len(path.read_text()) for path in runs.glob("attempts-*")}
    assert attempts == {"attempts-sgd": 4, "attempts-adam": 2, "attempts-adamw": 1}


def test_main_trains_networks(tmp_path, capsys):
    from fer_lib.sweeps.sweep import main

    settings = {"runs_dir": str(tmp_path), "data_dir": str(ROOT / "data" / "sample"), "max_images": 14}
    settings |= {"num_epochs": 1, "image_size": 32, "batch_size": 8, "device": "cpu"}
    plan = write_plan(tmp_path, name="tiny", settings=settings, grid={"learning_rate": [0.001, 0.0001]})
    assert main([plan]) == 0, capsys.readouterr().out
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(folders) == 2
    rates = set()
    for folder in folders:
        assert {"settings.json", "metrics.jsonl", "emotion.onnx", "emotion.json", "02_train.ipynb"} <= {
            path.name for path in folder.iterdir()
        }
        rates.add(json.loads((folder / "settings.json").read_text())["settings"]["learning_rate"])
    assert rates == {0.001, 0.0001}
