"""Test training in processes: two equal one, a killed one resumes with equal results, launch from a notebook."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fer_lib.dataset.synthetic import write_sample
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import learner
from fer_lib.training.learning.loop import crop_spec

SMALL = {
    "FER_TRAIN_INITIAL_WEIGHTS": "none",
    "IMAGE_SIZE": "32",
    "BATCH_SIZE": "14",
    "NUM_EPOCHS": "3",
    "FER_TRAIN_MAX_IMAGES": "56",
    "FER_TRAIN_DEVICE": "cpu",
    "FER_TRAIN_SAMPLER": "balanced",
    "FER_TRAIN_EMA_DECAY": "0.9",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_sample(folder, size=32)
    return folder


def make_environment(drawn: Path, runs: Path, **values: str) -> dict[str, str]:
    runs.mkdir(exist_ok=True)
    return {**os.environ, **SMALL, "FER_TRAIN_DATA_DIR": str(drawn), "FER_TRAIN_RUNS_DIR": str(runs), **values}


def only_run(runs: Path) -> Path:
    (folder,) = runs.iterdir()
    return folder


def test_train_killed_and_resumed_equals_uninterrupted(drawn, tmp_path):
    command = [sys.executable, "-m", "fer_lib.training"]
    whole, cut = (make_environment(drawn, tmp_path / name) for name in ("whole", "cut"))
    uninterrupted, process = (
        subprocess.Popen(command, env=one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for one in (whole, cut)
    )
    deadline = time.monotonic() + 200
    while not list((tmp_path / "cut").glob("*/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    folder = only_run(tmp_path / "cut")
    assert not (folder / "emotion.json").exists()
    subprocess.run(command, env=cut, check=True, capture_output=True, timeout=240)
    assert uninterrupted.wait(timeout=240) == 0
    assert only_run(tmp_path / "cut") == folder
    first, second = (load_file(only_run(tmp_path / name) / "checkpoint.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 3


def test_train_two_processes_get_the_metrics_of_one(drawn, tmp_path):
    deterministic = {
        "DROPOUT_RATE": "0",
        "STOCHASTIC_DEPTH": "0",
        "NUM_EPOCHS": "2",
        "OPTIMIZER": "sgd",
        "SAMPLER": "none",
    }
    script = str(Path(__file__).parent / "in_double.py")
    one, two = (make_environment(drawn, tmp_path / name, **deterministic) for name in ("one", "two"))
    pair = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", script]
    subprocess.run([sys.executable, script], env=one, check=True, capture_output=True, timeout=240)
    subprocess.run(pair, env=two, check=True, capture_output=True, timeout=240)
    lines = [
        [json.loads(line) for line in (only_run(tmp_path / name) / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    for first, second in zip(*lines, strict=True):
        assert second["loss"] == pytest.approx(first["loss"], rel=1e-6)
        assert second["validation_nll"] == pytest.approx(first["validation_nll"], rel=1e-6)


def test_launch_in_two_processes_from_a_notebook(drawn, tmp_path):
    environment = make_environment(drawn, tmp_path / "runs", NUM_EPOCHS="1", FER_TRAIN_PROCESSES="2")
    code = (
        "from fer_lib.settings import TrainingSettings; from fer_lib.training.launch import launch; "
        "received = []; run = launch(TrainingSettings.load(), on_epoch=received.append); "
        "print(run.is_finished, [line['epoch'] for line in received])"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=280)
    assert ended.stdout.splitlines()[-1] == "True [0]"
    assert (only_run(tmp_path / "runs") / "curves.svg").is_file()


def test_train_notebook_is_saved_in_the_run_folder(drawn, tmp_path):
    environment = make_environment(drawn, tmp_path / "runs", FER_TRAIN_MAX_IMAGES="14")
    command = [sys.executable, "-m", "fer_lib.training.notebook", "-p", "NUM_EPOCHS", "1", "-p", "OPTIMIZER", "sgd"]
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=280)
    run = only_run(tmp_path / "runs")
    assert ended.stdout.strip() == str(run)
    for name in ("settings.json", "metrics.jsonl", "curves.svg", "emotion.onnx", "emotion.json", "02_train.ipynb"):
        assert (run / name).is_file(), name
    record = json.loads((run / "settings.json").read_text())
    assert (record["settings"]["optimizer"], record["sources"]["optimizer"]) == ("sgd", "parameter")
    assert record["sources"]["max_images"] == "environment"
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1


def test_train_invalid_setting_fails_before_the_run(drawn, tmp_path):
    environment = make_environment(drawn, tmp_path / "runs", OPTIMIZER="adamx")
    ended = subprocess.run(
        [sys.executable, "-m", "fer_lib.training"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 2
    message = ended.stderr.strip().splitlines()[-1]
    assert message.startswith("python -m fer_lib.training: `OPTIMIZER` must be")
    assert "got 'adamx' from the environment" in message
    assert not list((tmp_path / "runs").iterdir())


class CpuArgumentError(Exception):
    """Carries the argument `cpu` of Accelerator."""


@pytest.mark.parametrize(("device", "gpu", "cpu"), [("auto", False, True), ("auto", True, False), ("cpu", True, True)])
def test_build_learner_uses_the_cpu_without_a_gpu(monkeypatch, device, gpu, cpu):
    def raise_argument(cpu):
        raise CpuArgumentError(cpu)

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: gpu)
    monkeypatch.setattr(learner, "Accelerator", raise_argument)
    settings = TrainingSettings.load(device=device)
    with pytest.raises(CpuArgumentError, match=str(cpu)):
        learner.build_learner(settings, crop_spec(settings))
