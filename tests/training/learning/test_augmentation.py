"""Test data augmentation: value range, geometry, mixup, CutMix, crop jitter."""

import pytest
import torch

from fer_lib.training.learning.augmentation import augment, cut_mix, draw_jitter, draw_views, mix_up, resize


def make_images(n: int = 64, size: int = 32) -> torch.Tensor:
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(0))


def make_generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_augment_none_changes_nothing():
    images = make_images()
    assert torch.equal(augment(images, "none", 32, draw_views(64, 1), make_generator()), images)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augment_stays_in_range_and_size(strength):
    augmented = augment(make_images(), strength, 48, draw_views(64, 1), make_generator())
    assert augmented.shape == (64, 1, 48, 48)
    assert 0 <= augmented.min() <= augmented.max() <= 1


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augment_flips_half_horizontally_and_none_vertically(strength):
    images = torch.zeros(400, 1, 32, 32)
    images[:, :, :16] = 0.5  # bright above
    images[:, :, :, :16] += 0.4  # and brighter on the left
    augmented = augment(images, strength, 32, draw_views(400, 1), make_generator())
    left, right = augmented[..., 4:12].mean((1, 2, 3)), augmented[..., 20:28].mean((1, 2, 3))
    above, below = augmented[:, :, 4:12].mean((1, 2, 3)), augmented[:, :, 20:28].mean((1, 2, 3))
    assert 0.4 < (left < right).float().mean() < 0.6
    assert (above > below).float().mean() > 0.95


def test_augment_strong_erases_a_rectangle_in_some():
    images = (torch.arange(32.0) % 2).expand(200, 1, 32, 32).contiguous()
    augmented = augment(images, "strong", 32, draw_views(200, 1), make_generator())
    flat = torch.nn.functional.unfold(augmented, 5).var(dim=1).amin(dim=1) < 2e-4
    assert 0 < flat.float().mean() < 1


def test_mix_up_blends_images_and_targets_alike():
    images, targets = make_images(7), torch.eye(7)
    mixed, blended = mix_up(images, targets, 0.4, make_generator())
    assert torch.allclose(blended.sum(1), torch.ones(7))
    rebuilt = torch.einsum("nk,kchw->nchw", blended, images)
    assert torch.allclose(mixed, rebuilt, atol=1e-5)


def test_augment_view_depends_on_its_row_of_draws_only():
    images, draws = make_images(6), draw_views(6, 1)
    whole = augment(images, "light", 32, draws, make_generator())
    part = augment(images[[4, 1]], "light", 32, draws[[4, 1]], make_generator())
    assert torch.allclose(whole[[4, 1]], part, atol=1e-6)
    assert not torch.equal(augment(images, "light", 32, draw_views(6, 2), make_generator()), whole)


def test_cut_mix_blends_targets_by_area():
    images, targets = torch.arange(7.0).view(7, 1, 1, 1).expand(7, 1, 32, 32), torch.eye(7)
    areas = []
    for seed in range(20):
        mixed, blended = cut_mix(images, targets, 1.0, torch.Generator().manual_seed(seed))
        replaced = mixed != images
        other = (blended - torch.eye(7) * blended.diagonal()).argmax(dim=1)
        assert torch.allclose(blended.sum(1), torch.ones(7))
        for row in range(7):
            area = float(replaced[row].float().mean())
            if other[row] != row and area:
                assert float(blended[row, other[row]]) == pytest.approx(area, abs=1e-6)
                assert set(mixed[row].unique().tolist()) <= {float(row), float(other[row])}
                areas.append(area)
    assert min(areas) < 0.2 < 0.5 < max(areas)


def test_resize_same_size_returns_the_same_object():
    images = make_images()
    assert resize(images, 32) is images


def test_draw_jitter_range():
    jitter = draw_jitter(1000, 1, 0.03)
    assert jitter.shape == (1000, 3)
    assert -0.03 <= jitter.min() < -0.02
    assert 0.02 < jitter.max() < 0.03


def test_augment_jitter_shifts_by_a_fraction_of_the_side():
    images, draws = torch.zeros(1, 1, 50, 50), torch.full((1, 14), 0.5)  # the view without any change
    images[:, :, 20:30, 20:30] = 1
    unshifted, shifted = (
        augment(images, "light", 50, draws, make_generator(), jitter)
        for jitter in (None, torch.tensor([[0.1, -0.04, 0.0]]))
    )
    assert torch.allclose(shifted[:, :, 7:45, 0:40], unshifted[:, :, 5:43, 5:45], atol=1e-5)


def test_augment_jitter_changes_scale():
    images, draws = torch.zeros(2, 1, 50, 50), torch.full((2, 14), 0.5)
    images[:, :, 10:40, 10:40] = 1
    scaled = augment(images, "light", 50, draws, make_generator(), torch.tensor([[0, 0, 0.1], [0, 0, -0.1]]))
    smaller, larger = scaled.mean(dim=(1, 2, 3))
    assert smaller < images[0].mean() < larger
