"""Frozen stages stay what they were, to the last bit, while the rest of the network learns."""

import pytest
import torch

from fer_lib.training import loop
from fer_lib.training.checkpoint import load_checkpoint
from fer_lib.training.drawing import write_sample
from fer_lib.training.freezing import freeze_stages, hold_stages
from fer_lib.training.model import build_model
from tests.training.small_settings import make_settings


def test_train_frozen_stages_stay_and_the_others_learn(tmp_path, monkeypatch):
    write_sample(tmp_path / "images", size=32)
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    learning = {"initial_weights": "none", "num_epochs": 2, "weight_decay": 0.1, "ema_decay": 0.5, "keep_by": "last"}
    settings = make_settings(tmp_path, frozen_stages=3, **learning)
    torch.manual_seed(settings.seed)
    before = build_model().state_dict()
    learned = build_model()
    load_checkpoint(loop.train(settings).best, learned)
    changed = {name for name, value in learned.state_dict().items() if not torch.equal(value, before[name])}
    stages = {".".join(name.split(".")[:2]) for name in changed}
    assert stages == {*(f"features.{number}" for number in range(3, 9)), "classifier.0", "classifier.3"}


def test_freeze_stages_no_gradient_is_computed_for_them():
    network = build_model()
    freeze_stages(network, 2)
    network.train()
    hold_stages(network, 2)
    seen = []
    network.features[1].register_forward_hook(lambda _module, _given, features: seen.append(features.requires_grad))
    network(torch.zeros(2, 1, 32, 32)).sum().backward()
    assert seen == [False]
    assert {name.split(".")[1] for name, value in network.named_parameters() if value.grad is None} == {"0", "1"}


def test_freeze_stages_of_a_network_without_any_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`FROZEN_STAGES` must be 0 for a network without stages"):
        freeze_stages(build_model(architecture="resnet18"), 1)
    freeze_stages(build_model(architecture="resnet18"), 0)
    write_sample(tmp_path / "images", size=32)
    with pytest.raises(ValueError, match="FROZEN_STAGES"):
        loop.train(make_settings(tmp_path, architecture="resnet18", initial_weights="none", frozen_stages=1))
    assert not (tmp_path / "runs").exists()
