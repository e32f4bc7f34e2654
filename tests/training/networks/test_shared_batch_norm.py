"""Test synchronised batch normalisation on CPUs: two processes equal one."""

import pytest
import torch
from torch import distributed, multiprocessing, nn

from fer_lib.training.networks.shared_batch_norm import SharedBatchNorm, share_batch_norm


def make_features() -> torch.Tensor:
    return torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 1


def normalise_share(rank: int, init_file: str, results) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{init_file}", rank=rank, world_size=2)
    layer = share_batch_norm(nn.Sequential(nn.BatchNorm2d(3)), torch.device("cpu")).train()
    features = make_features()[rank::2].requires_grad_()
    out = layer(features)
    (out**3).sum().backward()
    gradient = layer[0].weight.grad
    distributed.all_reduce(gradient)
    results[rank] = (out.detach().numpy(), features.grad.numpy(), gradient.numpy(), layer[0].running_var.numpy())
    distributed.destroy_process_group()


def test_shared_batch_norm_single_process_equals_batch_norm():
    layer = share_batch_norm(nn.Sequential(nn.BatchNorm2d(3)), torch.device("cpu"))[0]
    assert isinstance(layer, SharedBatchNorm)
    assert torch.equal(layer(make_features()), nn.BatchNorm2d(3)(make_features()))


def test_shared_batch_norm_two_processes_equal_one(tmp_path):
    layer = nn.BatchNorm2d(3)
    features = make_features().requires_grad_()
    out = layer(features)
    (out**3).sum().backward()
    with multiprocessing.Manager() as manager:
        results = manager.dict()
        multiprocessing.spawn(normalise_share, (str(tmp_path / "rendezvous"), results), nprocs=2)
        shares = [results[0], results[1]]
    for rank, (output, gradient, _, _) in enumerate(shares):
        assert output == pytest.approx(out.detach()[rank::2].numpy(), abs=1e-5)
        assert gradient == pytest.approx(features.grad[rank::2].numpy(), abs=1e-3)
    assert shares[0][2] == pytest.approx(layer.weight.grad.numpy(), rel=1e-4)
    assert shares[1][3] == pytest.approx(layer.running_var.numpy(), rel=1e-5)
