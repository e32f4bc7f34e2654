"""A checkpoint gives back what was saved, or says why it can't."""

import pytest
import torch
from torch import nn

from fer_lib.training.checkpoint import load_checkpoint, save_checkpoint


def make_learner(seed: int):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_load_checkpoint_restores_network_and_moments(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = make_learner(0)
    save_checkpoint(path, model, optimizer, None, {"next_epoch": 3, "best": {"a": 0.5}})
    other, moments = make_learner(1)
    assert load_checkpoint(path, other, moments) == {"next_epoch": 3, "best": {"a": 0.5}}
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    for place, state in optimizer.state_dict()["state"].items():
        assert all(torch.equal(value, moments.state_dict()["state"][place][name]) for name, value in state.items())


def test_save_checkpoint_leaves_no_half_file(tmp_path):
    model, optimizer = make_learner(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_load_checkpoint_damaged(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = make_learner(0)
    save_checkpoint(path, model, optimizer, None, {})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path, model)


def test_load_checkpoint_of_another_network(tmp_path):
    model, optimizer = make_learner(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    with pytest.raises(ValueError, match="another network"):
        load_checkpoint(tmp_path / "c.safetensors", nn.Linear(2, 2))
