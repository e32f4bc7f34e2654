"""A checkpoint gives back what was saved, or says why it can't."""

import sys

import pytest
import torch
from torch import nn

from fer_lib.training.learning.checkpoint import DamagedCheckpointError, load_checkpoint, save_checkpoint


def build_learner(seed: int):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_load_checkpoint_restores_network_and_moments(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = build_learner(0)
    save_checkpoint(path, model, optimizer, None, {"next_epoch": 3, "best": {"a": 0.5}})
    other, moments = build_learner(1)
    assert load_checkpoint(path, other, moments) == {"next_epoch": 3, "best": {"a": 0.5}}
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    for place, state in optimizer.state_dict()["state"].items():
        assert all(torch.equal(value, moments.state_dict()["state"][place][name]) for name, value in state.items())


def test_load_checkpoint_lays_moments_in_memory_as_their_weights(tmp_path):
    def step(network, optimizer):
        network(torch.linspace(-1, 1, 150).reshape(2, 3, 5, 5)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    def make():
        torch.manual_seed(0)
        network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        return network, torch.optim.AdamW(network.parameters(), lr=0.1, fused=True)

    path = tmp_path / "c.safetensors"
    (network, optimizer), (other, moments) = make(), make()
    step(network, optimizer)
    save_checkpoint(path, network, optimizer, None, {})
    load_checkpoint(path, other, moments)
    step(network, optimizer)
    step(other, moments)
    assert torch.equal(network.weight, other.weight)


def test_save_checkpoint_leaves_no_half_file(tmp_path):
    model, optimizer = build_learner(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_load_checkpoint_damaged(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = build_learner(0)
    save_checkpoint(path, model, optimizer, None, {})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path, model)


def test_load_checkpoint_of_another_network(tmp_path):
    model, optimizer = build_learner(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    with pytest.raises(ValueError, match="another network"):
        load_checkpoint(tmp_path / "c.safetensors", nn.Linear(2, 2))


def test_save_checkpoint_keeps_the_one_before(tmp_path):
    model, optimizer = build_learner(0)
    last, previous = tmp_path / "c.safetensors", tmp_path / "previous.safetensors"
    for epoch in range(3):
        save_checkpoint(last, model, optimizer, None, {"next_epoch": epoch}, previous)
    assert load_checkpoint(last, model)["next_epoch"] == 2
    assert load_checkpoint(previous, model)["next_epoch"] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_save_checkpoint_where_files_have_one_name(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    model, _ = build_learner(0)
    last, previous = tmp_path / "c.safetensors", tmp_path / "previous.safetensors"
    for epoch in range(2):
        save_checkpoint(last, model, None, None, {"next_epoch": epoch}, previous)
    assert load_checkpoint(previous, model)["next_epoch"] == 0


@pytest.mark.parametrize("place", [0.3, 0.6, 0.95])
def test_load_checkpoint_a_flipped_bit_is_noticed_and_nothing_changes(tmp_path, place):
    path = tmp_path / "c.safetensors"
    model, optimizer = build_learner(0)
    save_checkpoint(path, model, optimizer, None, {})
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start + int(place * (len(data) - start))] ^= 1
    path.write_bytes(data)
    other, _ = build_learner(1)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(DamagedCheckpointError, match="its numbers have changed"):
        load_checkpoint(path, other)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files")
def test_save_checkpoint_on_a_full_disk_keeps_the_last_one(tmp_path):
    import resource

    path = tmp_path / "c.safetensors"
    model, optimizer = build_learner(0)
    save_checkpoint(path, model, optimizer, None, {"next_epoch": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))  # a file may not grow beyond, as on a full disk
    try:
        with pytest.raises(OSError, match="what was there stays"):
            save_checkpoint(path, model, optimizer, None, {"next_epoch": 2}, tmp_path / "previous.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_checkpoint(path, model)["next_epoch"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["c.safetensors"]


def test_save_checkpoint_removes_what_a_killed_process_left(tmp_path):
    model, _ = build_learner(0)
    (tmp_path / f".c.{'0' * 16}.part.safetensors").write_bytes(b"half")
    save_checkpoint(tmp_path / "c.safetensors", model, None, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")
def test_save_checkpoint_follows_no_link(tmp_path):
    model, _ = build_learner(0)
    (other := tmp_path / "of_somebody.txt").write_text("as it was")
    for name in ("c.part", "c.safetensors"):
        (tmp_path / name).symlink_to(other)
    save_checkpoint(tmp_path / "c.safetensors", model, None, None, {})
    assert other.read_text() == "as it was"
