"""Test checkpoints: round trip, damage, full disk, previous checkpoint, leftovers of killed processes."""

import sys

import pytest
import torch
from torch import nn

from fer_lib.training.learning.checkpoint import DamagedCheckpointError, load_checkpoint, save_checkpoint


def make_network(seed: int):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_load_checkpoint_restores_network_and_moments(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = make_network(0)
    save_checkpoint(path, model, optimizer, None, {"next_epoch": 3, "best": {"a": 0.5}})
    other, moments = make_network(1)
    assert load_checkpoint(path, other, moments) == {"next_epoch": 3, "best": {"a": 0.5}}
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
    for index, state in optimizer.state_dict()["state"].items():
        assert all(torch.equal(value, moments.state_dict()["state"][index][name]) for name, value in state.items())


def test_load_checkpoint_moments_have_the_memory_format_of_weights(tmp_path):
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


def test_save_checkpoint_leaves_no_temporary_file(tmp_path):
    model, optimizer = make_network(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_load_checkpoint_truncated_file(tmp_path):
    path = tmp_path / "c.safetensors"
    model, optimizer = make_network(0)
    save_checkpoint(path, model, optimizer, None, {})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path, model)


def test_load_checkpoint_of_another_architecture(tmp_path):
    model, optimizer = make_network(0)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizer, None, {})
    with pytest.raises(ValueError, match="another network"):
        load_checkpoint(tmp_path / "c.safetensors", nn.Linear(2, 2))


def test_save_checkpoint_keeps_the_previous_one(tmp_path):
    model, optimizer = make_network(0)
    last, previous = tmp_path / "c.safetensors", tmp_path / "previous.safetensors"
    for epoch in range(3):
        save_checkpoint(last, model, optimizer, None, {"next_epoch": epoch}, previous)
    assert load_checkpoint(last, model)["next_epoch"] == 2
    assert load_checkpoint(previous, model)["next_epoch"] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_save_checkpoint_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    model, _ = make_network(0)
    last, previous = tmp_path / "c.safetensors", tmp_path / "previous.safetensors"
    for epoch in range(2):
        save_checkpoint(last, model, None, None, {"next_epoch": epoch}, previous)
    assert load_checkpoint(previous, model)["next_epoch"] == 0


@pytest.mark.parametrize("position", [0.3, 0.6, 0.95])
def test_load_checkpoint_flipped_bit_raises_and_changes_nothing(tmp_path, position):
    path = tmp_path / "c.safetensors"
    model, optimizer = make_network(0)
    save_checkpoint(path, model, optimizer, None, {})
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start + int(position * (len(data) - start))] ^= 1
    path.write_bytes(data)
    other, _ = make_network(1)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(DamagedCheckpointError, match="checksum"):
        load_checkpoint(path, other)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_save_checkpoint_full_disk_keeps_the_last_one(tmp_path):
    import resource

    path = tmp_path / "c.safetensors"
    model, optimizer = make_network(0)
    save_checkpoint(path, model, optimizer, None, {"next_epoch": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))  # limits the file size, like a full disk
    try:
        with pytest.raises(OSError, match="the file is unchanged"):
            save_checkpoint(path, model, optimizer, None, {"next_epoch": 2}, tmp_path / "previous.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_checkpoint(path, model)["next_epoch"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["c.safetensors"]


def test_save_checkpoint_removes_leftovers_of_killed_processes(tmp_path):
    model, _ = make_network(0)
    (tmp_path / f".c.{'0' * 16}.part.safetensors").write_bytes(b"partial")
    save_checkpoint(tmp_path / "c.safetensors", model, None, None, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX symbolic links")
def test_save_checkpoint_does_not_follow_symlinks(tmp_path):
    model, _ = make_network(0)
    (other := tmp_path / "other.txt").write_text("unchanged")
    for name in ("c.part", "c.safetensors"):
        (tmp_path / name).symlink_to(other)
    save_checkpoint(tmp_path / "c.safetensors", model, None, None, {})
    assert other.read_text() == "unchanged"
