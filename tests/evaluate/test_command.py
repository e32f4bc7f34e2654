"""Command line `python -m fer_lib.evaluate`: output, errors, model card."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from fer_lib import optional_packages as packages
from fer_lib.evaluate.__main__ import main
from fer_lib.weights import read_card

REQUIRED = [
    "images",
    "accuracy",
    "accuracy_ci95",
    "accuracy_without_duplicates",
    "balanced_accuracy",
    "macro_f1",
    "ece",
    "nll",
    "per_label",
]


def test_main_json_on_the_last_line_without_torch(project_root, linear_network, sample):
    given = ["--weights", str(linear_network), "--data", str(sample), "--split", "test", "--json"]
    script = f"""
import runpy, sys
sys.argv[1:] = {given!r}
try:
    runpy.run_module("fer_lib.evaluate", run_name="__main__")
except SystemExit as error:
    assert error.code == 0, error.code
print(sorted({{"torch", "torchvision", "matplotlib"}} & set(sys.modules)), file=sys.stderr)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert result.stderr.strip() == "[]"
    report = json.loads(result.stdout.splitlines()[-1])
    assert [name for name in REQUIRED if name not in report] == []
    assert report["images"] == 35


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "MAX_IMAGES", "SPLIT")}


def test_main_prints_a_table_by_default(linear_network, sample, capsys):
    assert main(["--weights", str(linear_network), "--data", str(sample), "--max-images", "14"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("emotion.onnx on the test images of")
    assert "balanced accuracy" in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--weights": "nowhere/emotion.onnx"}, "emotion.json must exist"),
        ({"--weights": "emotion.pt"}, "`WEIGHTS` must be an .onnx file"),
        ({"--data": "nowhere"}, "nowhere"),
        ({"--split": "dev"}, "`SPLIT` must be 'train', 'validation' or 'test', but got 'dev'"),
        ({"--max-images": "many"}, "`MAX_IMAGES` must be a whole number"),
        ({"--ferplus-csv": "votes.csv"}, "votes.csv"),
        ({"--max-images": "14", "--write-card": None}, "`--write-card`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_main_wrong_argument_exits_with_a_one_line_message(linear_network, sample, capsys, changes, message):
    given = {"--weights": str(linear_network), "--data": str(sample), **changes}
    assert main([text for pair in given.items() for text in pair if text is not None]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_main_missing_packages_with_install_command(capsys, monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda module: None)
    assert main([]) == 2
    error = capsys.readouterr().err
    assert "scikit-learn and tqdm" in error
    assert "pip install -e '.[evaluate]'" in error


def test_main_write_card_is_idempotent(linear_network, sample, tmp_path, capsys):
    for path in linear_network.parent.iterdir():
        shutil.copy(path, tmp_path)
    given = ["--weights", str(tmp_path / "emotion.onnx"), "--data", str(sample), "--write-card"]
    written = []
    for _ in range(2):
        assert main(given) == 0
        written.append([(tmp_path / name).read_text() for name in ("emotion.json", "README.md")])
    assert written[0] == written[1]
    assert read_card(tmp_path / "emotion.json")["metrics"]["test"]["images"] == 35
    assert "## Results of `emotion`" in written[0][1]
    capsys.readouterr()
