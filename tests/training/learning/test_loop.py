"""Test the training loop: run folder, initial weights, resuming, checkpoints, checkpoint selection, label offsets."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import SafetensorError

from fer_lib import metrics, weights
from fer_lib.dataset.synthetic import write_sample
from fer_lib.dataset.votes import LABEL_OF_VOTE
from fer_lib.labels import EMOTIONS
from fer_lib.settings import TrainingSettings
from fer_lib.training.export.publish import FLOAT16_TOLERANCE
from fer_lib.training.learning import checkpoint, loop
from fer_lib.training.model import build_model
from fer_lib.training.runs.run import open_run, select_epoch
from tests.training.drawn_dlib import draw_dlib, write_dlib

pytestmark = pytest.mark.usefixtures("narrow_resnet")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_sample(folder, size=32)
    return folder


def make_settings(drawn, runs, **values) -> TrainingSettings:
    small = {"image_size": 32, "batch_size": 16, "num_epochs": 2, "max_images": 35, "device": "cpu", "ema_decay": 0.9}
    small |= {"architecture": "resnet18-wide", "initial_weights": "none"}  # faster; the loop is the same
    return TrainingSettings.load(data_dir=drawn, runs_dir=runs, **{**small, **values})


def read_tensors(path):
    from safetensors.torch import load_file

    return load_file(path)


def test_train_writes_run_folder_and_loadable_network(drawn, tmp_path):
    received = []
    run = loop.train(make_settings(drawn, tmp_path, architecture="b0"), on_epoch=received.append)
    assert [line["epoch"] for line in run.read_metrics()] == [line["epoch"] for line in received] == [0, 1]
    loaded = weights.load_emotion_weights(run.folder)
    assert loaded.crop_spec == loop.crop_spec(make_settings(drawn, tmp_path))
    assert loaded.card["difference_to_torch"] <= FLOAT16_TOLERANCE
    assert loaded.card["metrics"]["validation"]["images"] == 35
    session = onnxruntime.InferenceSession(loaded.path)
    assert session.run(None, {"faces": np.zeros((3, 1, 32, 32), np.float32)})[0].shape == (3, 7)
    assert json.loads((run.folder / "settings.json").read_text())["settings"]["batch_size"] == 16


def test_train_from_exported_network_starts_at_its_outputs(drawn, tmp_path):
    shipped = weights.weights_folder() / "emotion.onnx"
    values = {"architecture": "b0", "initial_weights": str(shipped), "image_size": 96, "learning_rate": 1e-9}
    spec = weights.load_emotion_weights().crop_spec
    crop = {"crop_scale": spec.scale, "crop_shift_y": spec.shift_y, "crop_detail": spec.detail, "ema_decay": 0.999}
    run = loop.train(make_settings(drawn, tmp_path, **values, **crop, num_epochs=1))
    noise = torch.randn(16, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    faces = torch.nn.functional.interpolate(noise, size=96, mode="bilinear").numpy()
    before, after = (
        onnxruntime.InferenceSession(path).run(None, {"faces": faces})[0] for path in (shipped, run.network)
    )
    assert np.ptp(before, axis=0).min() > 0.1
    np.testing.assert_allclose(after, before, atol=0.1)


def test_train_from_dlib_weights_starts_at_their_features(drawn, tmp_path):
    path = write_dlib(tmp_path, draw_dlib())
    values = {"architecture": "resnet29", "initial_weights": str(path), "image_size": 118, "learning_rate": 1e-9}
    run = loop.train(make_settings(drawn, tmp_path / "runs", **values, ema_decay=0.999, num_epochs=1))
    before, after = (
        build_model(1, initial_weights=str(start), architecture="resnet29").eval() for start in (path, run.best)
    )
    faces = torch.nn.functional.interpolate(torch.randn(8, 1, 4, 4), size=118)
    with torch.no_grad():
        expected, features = before[:-2](faces), after[:-2](faces)
    assert expected.std(0).mean() > 0.1
    assert (expected - features).abs().mean() < 0.2 * expected.std(0).mean()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "`INITIAL_WEIGHTS` must be an existing file"),
        (lambda path: path.with_suffix(".json").unlink(), "card .* must exist"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "the weights `emotion` must have the SHA-256"),
    ],
    ids=["no file", "no card", "damaged"],
)
def test_train_from_invalid_exported_network_creates_no_run(drawn, tmp_path, damage, message):
    path = tmp_path / "emotion.onnx"
    for suffix in (".onnx", ".json"):
        shutil.copy(weights.weights_folder() / f"emotion{suffix}", path.with_suffix(suffix))
    damage(path)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        loop.train(make_settings(drawn, tmp_path / "runs", architecture="b0", initial_weights=str(path)))
    assert not (tmp_path / "runs").exists()


def test_train_interrupted_and_resumed_equals_uninterrupted(drawn, tmp_path):
    whole = loop.train(make_settings(drawn, tmp_path / "whole"))
    with pytest.raises(InterruptedByTestError):
        loop.train(make_settings(drawn, tmp_path / "cut"), on_epoch=interrupt_after(1))
    resumed = loop.train(make_settings(drawn, tmp_path / "cut"))
    assert len(list((tmp_path / "cut").iterdir())) == 1
    first, second = read_tensors(whole.checkpoint), read_tensors(resumed.checkpoint)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


class InterruptedByTestError(Exception):
    pass


def interrupt_after(epochs):
    def interrupt(metrics):
        if metrics["epoch"] == epochs - 1:
            raise InterruptedByTestError

    return interrupt


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_train_damaged_checkpoint_falls_back_to_the_previous_one(drawn, tmp_path, capsys, damage):
    settings = make_settings(drawn, tmp_path, num_epochs=3)
    with pytest.raises(InterruptedByTestError):
        loop.train(settings, on_epoch=interrupt_after(2))
    (folder,) = tmp_path.iterdir()
    path = folder / "checkpoint.safetensors"
    data = bytearray(path.read_bytes())
    data[-9] ^= 64
    path.unlink()  # the previous checkpoint may be a hard link to the same file
    path.write_bytes({"truncated": data[: len(data) // 2], "flipped": data, "empty": b""}[damage])
    received = []
    run = loop.train(settings, on_epoch=received.append)
    assert run.folder == folder
    assert [line["epoch"] for line in received] == [1, 2]
    assert [line["epoch"] for line in run.read_metrics()] == [0, 1, 2]
    assert run.is_finished
    output = capsys.readouterr().out
    assert "is damaged" in output
    assert "resuming from the previous checkpoint, previous.safetensors" in output


def test_train_both_checkpoints_damaged(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path)
    with pytest.raises(InterruptedByTestError):
        loop.train(settings, on_epoch=interrupt_after(1))
    (folder,) = tmp_path.iterdir()
    for name in ("checkpoint", "previous"):
        (folder / f"{name}.safetensors").unlink(missing_ok=True)
        (folder / f"{name}.safetensors").write_bytes(b"junk")
    with pytest.raises(ValueError, match="delete it to restart the run"):
        loop.train(settings)


def test_train_full_disk_keeps_the_last_epoch(drawn, tmp_path, monkeypatch):
    settings = make_settings(drawn, tmp_path)
    with pytest.raises(InterruptedByTestError):
        loop.train(settings, on_epoch=interrupt_after(1))
    (folder,) = tmp_path.iterdir()

    def fill(*_):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", fill)
        with pytest.raises(OSError, match="No space left"):
            loop.train(settings)
    assert [line["epoch"] for line in loop.train(settings).read_metrics()] == [0, 1]
    assert list(tmp_path.iterdir()) == [folder]


def test_open_run_named_folder_reports_changed_settings(drawn, tmp_path, capsys):
    first = open_run(make_settings(drawn, tmp_path))
    again = open_run(make_settings(drawn, tmp_path, resume=str(first.folder), learning_rate=0.5))
    assert again == first
    assert "resumed with changed settings: LEARNING_RATE 0.001 → 0.5" in capsys.readouterr().out


def test_open_run_damaged_record_creates_a_new_run(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path, run_name="one")
    first = open_run(settings)
    first.checkpoint.touch()
    first.record.write_text("{")
    first.folder.rename(tmp_path / "20000101-000000-one")  # a new run is named after this second
    assert open_run(settings).folder == first.folder


def test_train_learns_synthetic_faces(drawn, tmp_path):
    settings = make_settings(
        drawn,
        tmp_path,
        num_epochs=12,
        max_images=None,
        ema_decay=0.0,
        dropout_rate=0.0,
        learning_rate=0.003,
        schedule="onecycle",
        augmentation="none",
    )
    run = loop.train(settings)
    lines = run.read_metrics()
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_train_diverging_loss(drawn, tmp_path):
    with pytest.raises(FloatingPointError, match="LEARNING_RATE"):
        loop.train(make_settings(drawn, tmp_path, learning_rate=10.0, optimizer="sgd", num_epochs=50, ema_decay=0.0))


@pytest.mark.parametrize(("keep_by", "epoch"), [("accuracy", 1), ("macro_f1", 2), ("loss", 3), ("last", 4)])
def test_select_epoch_first_best(keep_by, epoch):
    numbers = [(0.3, 0.3, 1.1), (0.6, 0.3, 1.0), (0.6, 0.4, 0.9), (0.5, 0.4, 0.8), (0.5, 0.3, 0.8)]
    names = ("validation_accuracy", "validation_macro_f1", "validation_nll")
    epochs = [{"epoch": n, **dict(zip(names, line, strict=True))} for n, line in enumerate(numbers)]
    assert select_epoch(epochs, keep_by)["epoch"] == epoch


@pytest.mark.parametrize(("keep_by", "epoch"), [("balanced_accuracy", 1), ("mean", 2)])
def test_select_epoch_balanced_accuracy_and_mean(keep_by, epoch):
    names = ("validation_balanced_accuracy", "validation_mean")
    epochs = [
        {"epoch": n, **dict(zip(names, v, strict=True))} for n, v in enumerate([(0.1, 0.1), (0.5, 0.2), (0.4, 0.3)])
    ]
    assert select_epoch(epochs, keep_by)["epoch"] == epoch


def test_train_checkpoint_interval(drawn, tmp_path):
    run = loop.train(make_settings(drawn, tmp_path, num_epochs=3, checkpoint_s=3600))
    assert run.checkpoint.is_file()
    assert run.previous.is_file()
    assert [line["epoch"] for line in run.read_metrics()] == [0, 1, 2]


def test_train_resumes_from_a_checkpoint_before_the_last_epoch(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path, num_epochs=4, checkpoint_s=3600)
    epochs = []

    def interrupt(metrics):
        epochs.append(metrics["epoch"])
        if metrics["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train(settings, on_epoch=interrupt)
    run = loop.train(settings, on_epoch=lambda metrics: epochs.append(metrics["epoch"]))
    assert epochs == [0, 1, 2, 1, 2, 3]
    assert [line["epoch"] for line in run.read_metrics()] == [0, 1, 2, 3]
    whole = loop.train(make_settings(drawn, tmp_path / "whole", num_epochs=4))
    assert [line["loss"] for line in run.read_metrics()] == [line["loss"] for line in whole.read_metrics()]


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_train_logit_adjustment_uses_the_label_prior(drawn, tmp_path, monkeypatch, tau):
    settings = make_settings(drawn, tmp_path, logit_adjustment=tau, sampler="none", num_epochs=1)
    adjustments = []
    run_epoch = loop.run_epoch
    monkeypatch.setattr(
        loop,
        "run_epoch",
        lambda learner, *rest: (adjustments.append(learner.step.adjustment), run_epoch(learner, *rest))[1],
    )
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    loop.train(settings)
    split = loop.load_split(drawn, "train", loop.crop_spec(settings), settings.max_images, quiet=True)
    if tau:
        expected = tau * np.log(np.bincount(split.targets, minlength=7) / len(split))
        np.testing.assert_allclose(adjustments[0].numpy(), expected, rtol=1e-5)
    else:
        assert adjustments == [None]


def test_train_keep_by_last(drawn, tmp_path):
    run = loop.train(make_settings(drawn, tmp_path, keep_by="last", learning_rate=1e-9))
    best, last = read_tensors(run.best), read_tensors(run.checkpoint)
    averaged = {
        name.removeprefix("average.module."): value for name, value in last.items() if "average.module." in name
    }
    assert averaged
    assert all(torch.equal(best[f"model.{name}"], value) for name, value in averaged.items())
    assert json.loads(run.network.with_suffix(".json").read_text())["epoch"] == 2


def test_train_label_offsets_are_exported_and_in_the_card(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path)
    split = loop.load_split(drawn, "validation", loop.crop_spec(settings), settings.max_images, quiet=True)
    table = tmp_path / "votes.csv"
    rows = [f"{name}," + ",".join("2" if voted == "fear" else "0" for voted in LABEL_OF_VOTE) for name in split.names]
    table.write_text("\n".join([f"name,{','.join(LABEL_OF_VOTE)}", *rows]))
    plain = loop.train(settings)
    offset = loop.train(make_settings(drawn, tmp_path, label_offsets=0.75, ferplus_csv=table, resume="never"))
    card = json.loads(offset.network.with_suffix(".json").read_text())
    assert json.loads(plain.network.with_suffix(".json").read_text())["label_offsets"] is None
    faces = ((split.images.astype(np.float32) / 255 - 0.5) / 0.25).transpose(0, 3, 1, 2)
    before, after = (
        onnxruntime.InferenceSession(run.network).run(None, {"faces": faces})[0] for run in (plain, offset)
    )
    np.testing.assert_allclose(
        after - before, np.tile(list(card["label_offsets"].values()), (35, 1)), atol=FLOAT16_TOLERANCE
    )
    assert metrics.softmax(after).mean(axis=0)[EMOTIONS.index("fear")] == pytest.approx(0.75 + 0.25 / 7, abs=0.02)
    assert card["metrics"]["validation"]["per_label"]["fear"]["recall"] == 1


def test_train_label_offsets_without_votes_fail_before_training(drawn, tmp_path):
    with pytest.raises(ValueError, match="`FERPLUS_CSV` must be set with `LABEL_OFFSETS`"):
        loop.train(make_settings(drawn, tmp_path, label_offsets=0.5))
    assert not list(tmp_path.iterdir())


def test_open_run_other_settings_create_a_new_run(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path)
    first = open_run(settings)
    first.checkpoint.touch()
    assert open_run(settings) == first
    assert open_run(make_settings(drawn, tmp_path, seed=1, run_name="other")) != first


def test_open_run_named_folder_without_record(drawn, tmp_path):
    with pytest.raises(FileNotFoundError, match="RESUME"):
        open_run(make_settings(drawn, tmp_path, resume=str(tmp_path / "missing")))


def test_make_targets_without_votes(drawn, tmp_path):
    settings = make_settings(drawn, tmp_path, label_source="blend")
    split = loop.load_split(drawn, "validation", loop.crop_spec(settings), quiet=True)
    with pytest.raises(ValueError, match="FERPLUS_CSV"):
        loop.make_targets(settings, split)
