"""The training benchmark: results, timing of batches, and synthetic images."""

import json
import sys

import numpy as np
import pytest
import torch

from benchmarks import training
from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning.batches import Batches, one_hot


def test_main_prints_json_on_the_last_line(monkeypatch, capsys):
    monkeypatch.setattr(training, "DRAWN", 4)
    words = ["--json", "--size", "32", "--batch-size", "7", "--steps", "2", "--repeats", "1", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["training", *words])
    training.main()
    lines = capsys.readouterr().out.splitlines()
    measured = json.loads(lines[-1])
    assert measured.keys() >= training.HEADINGS.keys()
    assert 0 < measured["loader_share"] < 1
    assert measured["loader_ms"] < measured["step_ms"]
    assert measured["images_per_s"] == pytest.approx(7 / measured["step_ms"] * 1000)
    assert (measured["images"], measured["image_size"], measured["device"]) == (28, 32, "cpu")
    assert all(any(words in line for line in lines[:-1]) for words in training.HEADINGS.values())


def test_timed_batches_draws_the_same_and_counts_only_drawing(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 1), np.uint8)
    settings = TrainingSettings.load(batch_size=4, image_size=32)
    given = (images, one_hot(np.arange(12) % 7), CropSpec(size=32), settings, torch.device("cpu"))
    timed = training.TimedBatches(*given)
    for ours, plain in zip(timed.draw_epoch(0), Batches(*given).draw_epoch(0), strict=True):
        assert torch.equal(ours[0], plain[0])
        next(clock)  # time of the training step, which must not be counted
    assert timed.seconds == 4  # three batches, and the end of the iterator


def test_write_synthetic_split_has_every_label(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "DRAWN", 2)
    training.write_synthetic_split(tmp_path)
    paths = list(tmp_path.rglob("*.png"))
    assert len(paths) == 2 * len(EMOTIONS)
    assert {path.relative_to(tmp_path).parts[:2] for path in paths} == {("train", label) for label in EMOTIONS}
