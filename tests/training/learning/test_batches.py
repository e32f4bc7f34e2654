"""Test training batches: reproducible epochs, samplers, soft targets, normalisation equal to inference."""

import numpy as np
import pytest
import torch

from fer_lib.crops import CropSpec, normalize_crops
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning.batches import Batches, one_hot

SPEC = CropSpec(size=32)


def make_batches(targets, **settings) -> Batches:
    images = np.random.default_rng(0).integers(0, 256, (len(targets), 32, 32, 1), np.uint8)
    values = {"batch_size": 4, "image_size": 32, **settings}
    return Batches(images, one_hot(np.array(targets)), SPEC, TrainingSettings.load(**values), torch.device("cpu"))


def test_iterate_equals_inference_normalisation():
    batches = make_batches([0, 1, 2, 3, 4])
    iterated = torch.cat([images for images, _ in batches.iterate(batch_size=2)])
    live = normalize_crops(batches.images.permute(0, 2, 3, 1).numpy(), SPEC)
    np.testing.assert_allclose(iterated.numpy(), live, atol=1e-6)


@pytest.mark.parametrize("augmentation", ["none", "light", "strong"])
def test_draw_epoch_is_reproducible_and_differs_between_epochs(augmentation):
    batches = make_batches(list(range(7)) * 4, augmentation=augmentation, mixup=0.2)
    first, again, other = (torch.cat([x for x, _ in batches.draw_epoch(e)]) for e in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def make_soft(n: int, views: int) -> torch.Tensor:
    return torch.rand(views, n, 7, generator=torch.Generator().manual_seed(5)).softmax(dim=-1)


def test_draw_epoch_soft_targets_cycle_through_their_views():
    batches = make_batches(list(range(7)), augmentation="light", batch_size=7, sampler="none", teacher_share=0.5)
    batches.soft_targets = make_soft(7, views=2)
    views = [torch.cat(list(batches.draw_view(view))) for view in (0, 1)]
    for epoch in range(4):
        ((images, targets),) = batches.draw_epoch(epoch)
        for image, target in zip(images, targets, strict=True):
            distances = (views[epoch % 2] - image).abs().amax(dim=(1, 2, 3))
            row = int(distances.argmin())
            assert distances[row] < 1e-5
            assert torch.allclose(target, torch.eye(7)[row] / 2 + batches.soft_targets[epoch % 2, row] / 2)


def test_draw_epoch_image_sampled_twice_gets_two_views():
    batches = make_batches([0] * 8, augmentation="strong", sampler="balanced", batch_size=8)
    batches.images[:] = batches.images[:1].clone()
    ((images, _),) = batches.draw_epoch(0)
    assert len({image.numpy().tobytes() for image in images}) == 8


@pytest.mark.parametrize(
    ("sampler", "rare"), [("none", 0.1), ("root", 0.25), ("balanced", 0.5)]
)  # root: √20 / (√20 + √180)
def test_label_prior_of_each_sampler(sampler, rare):
    prior = make_batches([3] * 180 + [1] * 20, sampler=sampler).label_prior()
    assert prior.sum() == pytest.approx(1)
    assert float(prior[1]) == pytest.approx(rare, abs=1e-3)


def test_draw_epoch_mixup_and_cutmix_alternate_randomly(monkeypatch):
    used = []
    for name in ("mix_up", "cut_mix"):
        monkeypatch.setattr(
            f"fer_lib.training.learning.batches.{name}", lambda x, y, *_, name=name: (used.append(name), (x, y))[1]
        )
    list(make_batches([0] * 400, mixup=0.2, cutmix=1.0).draw_epoch(0))
    assert len(used) == 100
    assert 30 < used.count("mix_up") < 70
    used.clear()
    list(make_batches([0] * 8, cutmix=1.0).draw_epoch(0))
    assert used == ["cut_mix"] * 2


def test_draw_epoch_full_batches_of_the_image_size():
    batches = make_batches([0] * 10)
    batches.spec = CropSpec(size=48)
    assert [tuple(images.shape) for images, _ in batches.draw_epoch(0)] == [(4, 1, 48, 48)] * 2


def test_draw_epoch_fewer_images_than_the_batch_size():
    assert [len(images) for images, _ in make_batches([0, 1]).draw_epoch(0)] == [2]


def test_draw_epoch_splits_batches_between_processes():
    batches = make_batches([0, 1, 2, 3, 4, 5, 6, 0], augmentation="none", sampler="none")
    whole = next(iter(batches.draw_epoch(0)))[0]
    halves = [next(iter(batches.draw_epoch(0, rank, 2)))[0] for rank in (0, 1)]
    assert torch.equal(whole[0::2], halves[0])
    assert torch.equal(whole[1::2], halves[1])


def share_of_rare(sampler: str) -> float:
    batches = make_batches([3] * 180 + [1] * 20, sampler=sampler, augmentation="none", batch_size=10)
    targets = torch.cat([y for epoch in range(20) for _, y in batches.draw_epoch(epoch)])
    return float(targets[:, 1].mean())


def test_sampler_none_draws_every_image_once():
    assert share_of_rare("none") == pytest.approx(0.1, abs=1e-6)


def test_sampler_balanced_draws_labels_equally_often():
    assert share_of_rare("balanced") == pytest.approx(0.5, abs=0.05)


def test_sampler_root_draws_by_square_root_of_frequency():
    assert share_of_rare("root") == pytest.approx(0.25, abs=0.05)  # √20 / (√20 + √180)
