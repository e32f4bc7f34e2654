"""Test the training of a classifier on a frozen backbone: cached features, several seeds, soft targets."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fer_lib.dataset.synthetic import write_sample
from fer_lib.training.launch import launch
from fer_lib.training.learning import backbone_features, classifier_head
from fer_lib.training.learning.checkpoint import read_checkpoint
from fer_lib.training.learning.soft_targets import SoftTargets, write_soft_targets
from fer_lib.training.model import build_model
from fer_lib.weights import weights_folder
from tests.training.small_settings import make_settings

SHIPPED = str(weights_folder() / "emotion.onnx")


def make_head_settings(folder, **values):
    few = {"head_views": 1, "head_seeds": 2, "num_epochs": 3, "max_images": 21, "sampler": "none", "keep_by": "mean"}
    return make_settings(
        folder, **{"frozen_backbone": True, "initial_weights": SHIPPED, "resume": "never", **few, **values}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with images, a finished run of a classifier, and the metrics passed to `on_epoch`."""
    folder = tmp_path_factory.mktemp("head")
    write_sample(folder / "images", size=32)
    received = []
    return folder, launch(make_head_settings(folder), on_epoch=received.append), received


def test_train_head_changes_only_the_classifier(trained):
    _, run, _ = trained
    trained_weights, progress = read_checkpoint(run.best)
    before = build_model(initial_weights=SHIPPED).state_dict()
    changed = {name for name, value in before.items() if not torch.equal(trained_weights[f"model.{name}"], value)}
    assert changed == {"classifier.0.weight", "classifier.0.bias", "classifier.3.weight", "classifier.3.bias"}
    assert run.is_finished
    assert progress["best"]["validation_mean"] == max(line["validation_mean"] for line in run.read_metrics())


def test_train_head_reports_every_seed(trained):
    _, run, received = trained
    assert [line["epoch"] for line in run.read_metrics()] == [0, 1]
    assert received == run.read_metrics()
    assert received[0]["loss"] != received[1]["loss"]
    plotted = {"loss", "learning_rate", "images_per_s", "seconds", "validation_nll"}  # in notebook 02
    assert plotted <= received[0].keys()


def test_train_head_uses_cached_features(trained, monkeypatch):
    folder, run, _ = trained
    monkeypatch.setattr(backbone_features, "_run_backbone", lambda *_: pytest.fail("the features are in the cache"))
    again = launch(make_head_settings(folder, run_name="again"))
    assert [line["loss"] for line in again.read_metrics()] == [line["loss"] for line in run.read_metrics()]


def test_compute_features_cache_depends_on_view_and_seed(trained):
    folder, _, _ = trained
    cached = {path.name for path in (folder / "cache").glob("features-*")}
    kinds = {"features-train-plain", "features-train-mirrored", "features-train-view", "features-validation-plain"}
    assert {"-".join(name.split("-")[:3]) for name in cached} == kinds
    launch(make_head_settings(folder, seed=7, head_seeds=1, num_epochs=1))
    assert len(list((folder / "cache").glob("features-train-view-0-*"))) == 2


def make_separable(n=28):
    """Return linearly separable features `(2, n, 1280)` and their targets `(n, 7)`."""
    targets = torch.eye(7).repeat(n // 7, 1)
    features = torch.zeros(2, n, 1280).half()
    features[:, :, :7] = targets.half() * 4
    return features, targets


def test_fit_head_learns_from_features():
    values = {"num_epochs": 30, "batch_size": 7, "dropout_rate": 0.0, "schedule": "cosine", "learning_rate": 0.01}
    features, targets = make_separable()
    head, loss = classifier_head.fit_head(
        features, targets, torch.zeros(7), make_settings(Path("none"), **values), seed=0
    )
    assert loss < 0.1
    assert classifier_head.evaluate_head(head, features[0], targets.argmax(dim=1).numpy())["validation_mean"] == 1.0


def test_fit_head_starts_from_given_parameters():
    settings = make_settings(Path("none"), learning_rate=1e-9)
    start = build_model().classifier.state_dict()
    head, _ = classifier_head.fit_head(*make_separable(), torch.zeros(7), settings, seed=0, start=start)
    assert all(torch.allclose(head.state_dict()[name], value, atol=1e-6) for name, value in start.items())
    other, _ = classifier_head.fit_head(*make_separable(), torch.zeros(7), settings, seed=0)
    assert not torch.allclose(other.state_dict()["0.weight"], start["0.weight"], atol=1e-3)


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_fit_head_logit_adjustment_favours_rare_labels(tau):
    """With uninformative features, predictions are the label shares without adjustment, and uniform with tau = 1."""
    shares = torch.tensor([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    features, targets = torch.ones(1, 64, 1280).half(), shares.expand(64, 7)
    values = {"num_epochs": 300, "batch_size": 64, "dropout_rate": 0.0, "schedule": "cosine", "learning_rate": 0.001}
    head, _ = classifier_head.fit_head(
        features, targets, tau * shares.log(), make_settings(Path("none"), **values), seed=0
    )
    expected = torch.full((7,), 1 / 7) if tau else shares
    assert torch.allclose(head(features[0, :1].float()).softmax(dim=1)[0], expected, atol=0.02)


def test_blend_soft_targets_averages_the_views(tmp_path):
    probabilities = np.zeros((2, 2, 7), np.float16)
    probabilities[0, :, 0] = probabilities[1, :, 1] = 1
    write_soft_targets(path := tmp_path / "soft.npz", SoftTargets(probabilities, np.array(["b", "a"]), 9, "strong"))
    settings = make_settings(tmp_path, teachers=str(path), teacher_share=0.5)
    blended = classifier_head.blend_soft_targets(torch.eye(7)[[2, 2]], ("a", "b"), torch.zeros(7), settings)
    assert torch.allclose(blended, torch.tensor([[0.25, 0.25, 0.5, 0, 0, 0, 0]]).expand(2, 7), atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial_weights": "none"},
        {"initial_weights": "lite0"},
        {"initial_weights": "lite2"},
        {"architecture": "resnet18-wide"},
    ],
)
def test_train_head_refuses_untrained_network(tmp_path, wrong):
    with pytest.raises(ValueError, match="`FROZEN_BACKBONE`, `ARCHITECTURE` must be b0 and `INITIAL_WEIGHTS` a run"):
        launch(make_head_settings(tmp_path, **wrong))


def test_blend_soft_targets_of_a_run(tmp_path):
    run = tmp_path / "runs" / "20260101-000000-student"
    run.mkdir(parents=True)
    (run / "best.safetensors").touch()
    soft = np.tile(np.eye(7, dtype=np.float16)[[1, 3]], (2, 1, 1))
    write_soft_targets(run / "soft_targets.npz", SoftTargets(soft, np.array(["a", "b"]), 0, "light"))
    settings = make_head_settings(tmp_path, teachers="student", teacher_share=1.0)
    blended = classifier_head.blend_soft_targets(torch.eye(7)[[2, 2]], ("b", "a"), torch.zeros(7), settings)
    assert torch.allclose(blended, torch.eye(7)[[3, 1]], atol=1e-4)


@pytest.mark.parametrize("teachers", ["missing", "a.npz,missing"])
def test_blend_soft_targets_unknown_run(tmp_path, teachers):
    settings = make_head_settings(tmp_path, teachers=teachers)
    with pytest.raises(FileNotFoundError, match=r"`TEACHERS` must be one file of stored predictions or one run"):
        classifier_head.blend_soft_targets(torch.eye(7)[:1], ("a",), torch.zeros(7), settings)
