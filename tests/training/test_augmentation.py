"""Varied images stay images."""

import pytest
import torch

from fer_lib.training.augmentation import augment, mix_up, resize


def make_images(n: int = 64, size: int = 32) -> torch.Tensor:
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(0))


def make_generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_augment_none_changes_nothing():
    images = make_images()
    assert torch.equal(augment(images, "none", 32, make_generator()), images)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augment_stays_in_range_and_size(strength):
    varied = augment(make_images(), strength, 48, make_generator())
    assert varied.shape == (64, 1, 48, 48)
    assert 0 <= varied.min() <= varied.max() <= 1


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augment_mirrors_about_half_and_keeps_the_rest_upright(strength):
    images = torch.zeros(400, 1, 32, 32)
    images[:, :, :16] = 0.5  # bright above
    images[:, :, :, :16] += 0.4  # and brighter on the left
    varied = augment(images, strength, 32, make_generator())
    left, right = varied[..., 4:12].mean((1, 2, 3)), varied[..., 20:28].mean((1, 2, 3))
    above, below = varied[:, :, 4:12].mean((1, 2, 3)), varied[:, :, 20:28].mean((1, 2, 3))
    assert 0.4 < (left < right).float().mean() < 0.6
    assert (above > below).float().mean() > 0.95


def test_augment_strong_hides_a_rectangle_in_some():
    images = (torch.arange(32.0) % 2).expand(200, 1, 32, 32).contiguous()
    varied = augment(images, "strong", 32, make_generator())
    flat = torch.nn.functional.unfold(varied, 5).var(dim=1).amin(dim=1) < 2e-4
    assert 0 < flat.float().mean() < 1


def test_mix_up_blends_images_and_targets_alike():
    images, targets = make_images(7), torch.eye(7)
    mixed, blended = mix_up(images, targets, 0.4, make_generator())
    assert torch.allclose(blended.sum(1), torch.ones(7))
    rebuilt = torch.einsum("nk,kchw->nchw", blended, images)
    assert torch.allclose(mixed, rebuilt, atol=1e-5)


def test_resize_to_the_same_size_is_the_same_object():
    images = make_images()
    assert resize(images, 32) is images
