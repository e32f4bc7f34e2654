"""Data augmentation on batches of tensors: geometry, light, noise, blur, random erasing, mixup and CutMix.

All choices for one augmented view of an image follow from one row of uniform numbers (`draw_views`), drawn on the CPU, so that
the same view can be made again on any device. Only the pattern of the noise is drawn where the images are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Strength:
    """How far each property may move; geometry first, light after.

    Attributes:
        rotation: degrees to either side.
        zoom: share larger or smaller.
        shift: share of the side, to either side.
        light: share brighter or darker.
        contrast: share more or less.
        noise: largest standard deviation of added noise, in [0, 1] grey.
        erase: chance that a rectangle of the image is hidden.
        blur: chance that an image is blurred.
    """

    rotation: float
    zoom: float
    shift: float
    light: float
    contrast: float
    noise: float = 0.0
    erase: float = 0.0
    blur: float = 0.0


STRENGTHS = {
    "light": Strength(rotation=10, zoom=0.1, shift=0.06, light=0.2, contrast=0.2),
    "strong": Strength(rotation=15, zoom=0.15, shift=0.08, light=0.3, contrast=0.35, noise=0.04, erase=0.3, blur=0.2),
}


# The uniform numbers in [0, 1) that one view follows from, by what they decide.
DRAWS = 14
ROTATION, ZOOM, FLIP, RIGHT, DOWN, BLUR, CONTRAST, LIGHT, NOISE, ERASE, TALL, WIDE, TOP, LEFT = range(DRAWS)


def draw_views(n: int, seed: int) -> Tensor:
    """Draw the uniform numbers behind one augmented view of each of `n` images, `(n, DRAWS)`, on the CPU."""
    return torch.rand(n, DRAWS, generator=torch.Generator().manual_seed(seed))


def draw_jitter(n: int, seed: int, reach: float) -> Tensor:
    """Draw a small shift (right, down) and change of scale for each of `n` images, `(n, 3)` in [-reach, reach), on the CPU."""
    return _spread(torch.rand(n, 3, generator=torch.Generator().manual_seed(seed)), reach)


def augment(
    images: Tensor,
    strength: str,
    size: int,
    draws: Tensor,
    generator: torch.Generator,
    jitter: Tensor | None = None,
) -> Tensor:
    """Make one augmented view of each image and resize it.

    Args:
        images: `(n, c, s, s)` float32 in [0, 1].
        strength: none, light or strong.
        size: side of the result in pixels.
        draws: `(n, DRAWS)` from `draw_views`, on the images' device.
        generator: source of the noise pattern, on the images' device.
        jitter: `(n, 3)` from `draw_jitter`, on the images' device, added to the view's own shift and scale; not with `none`.

    Returns:
        `(n, c, size, size)` float32 in [0, 1].
    """
    if strength == "none":
        return resize(images, size)
    how = STRENGTHS[strength]
    varied = _move(images, how, size, draws, jitter)
    if how.blur:
        varied = _blur(varied, how.blur, draws)
    varied = _change_brightness(varied, how, draws, generator)
    if how.erase:
        varied = _erase(varied, how.erase, draws)
    return varied.clamp(0, 1)


def resize(images: Tensor, size: int) -> Tensor:
    """Bring `(n, c, s, s)` to `size`; nothing is done where it already fits."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def mix_up(images: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Blend each image and its target `(n, 7)` with another of the batch (mixup: Zhang et al., 2018)."""
    share = _draw_share(alpha, generator)
    other = torch.randperm(len(images), generator=generator, device=images.device)
    return images.lerp(images[other], 1 - share), targets.lerp(targets[other], 1 - share)


def cut_mix(images: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Replace a rectangle of each image by that of another of the batch, and its share of the target `(n, 7)`.

    CutMix: Yun et al., 2019. The rectangle has the same place in all images of the batch.
    """
    n, _, height, width = images.shape
    side = (1 - _draw_share(alpha, generator)).sqrt()
    place = torch.rand(2, generator=generator, device=images.device)
    rows = _inside(torch.arange(height, device=images.device) + 0.5, place[0] * height, side * height / 2)
    columns = _inside(torch.arange(width, device=images.device) + 0.5, place[1] * width, side * width / 2)
    cut = rows[:, None] & columns
    other = torch.randperm(n, generator=generator, device=images.device)
    return torch.where(cut, images[other], images), targets.lerp(targets[other], cut.float().mean())


def _inside(places: Tensor, center: Tensor, reach: Tensor) -> Tensor:
    return (places - center).abs() < reach


def _spread(numbers: Tensor, width: float) -> Tensor:
    """Scale numbers from [0, 1) to [-width, width)."""
    return (numbers * 2 - 1) * width


def _draw_share(alpha: float, generator: torch.Generator) -> Tensor:
    """Draw from the beta distribution with both parameters `alpha`, on the generator's device and without waiting for it."""
    gammas = torch._standard_gamma(torch.full((2,), alpha, device=generator.device), generator=generator)
    return gammas[0] / gammas.sum().clamp_min(1e-12)


def _move(images: Tensor, how: Strength, size: int, draws: Tensor, jitter: Tensor | None) -> Tensor:
    n, c = images.shape[:2]
    angle = _spread(draws[:, ROTATION], math.radians(how.rotation))
    zoom = 1 + _spread(draws[:, ZOOM], how.zoom)
    right, down = (_spread(draws[:, column], 2 * how.shift) for column in (RIGHT, DOWN))
    if jitter is not None:  # a share of the side is twice as much in the grid's coordinates, which reach from -1 to 1
        right, down, zoom = right + 2 * jitter[:, 0], down + 2 * jitter[:, 1], zoom * (1 + jitter[:, 2])
    flip = torch.where(draws[:, FLIP] < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack([torch.stack([cos * flip, -sin, right], 1), torch.stack([sin * flip, cos, down], 1)], 1)
    grid = functional.affine_grid(theta, [n, c, size, size], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _change_brightness(images: Tensor, how: Strength, draws: Tensor, generator: torch.Generator) -> Tensor:
    n = len(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = 1 + _spread(draws[:, CONTRAST], how.contrast).view(n, 1, 1, 1)
    light = _spread(draws[:, LIGHT], how.light).view(n, 1, 1, 1)
    varied = (images - mean) * contrast + mean * (1 + light)
    if how.noise:
        level = draws[:, NOISE].view(n, 1, 1, 1) * how.noise
        varied = varied + torch.randn(varied.shape, generator=generator, device=images.device) * level
    return varied


def _blur(images: Tensor, chance: float, draws: Tensor) -> Tensor:
    small = functional.avg_pool2d(images, 2)
    soft = functional.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(draws[:, BLUR].view(-1, 1, 1, 1) < chance, soft, images)


def _erase(images: Tensor, chance: float, draws: Tensor) -> Tensor:
    _, _, height, width = images.shape
    tall, wide = ((0.1 + 0.25 * draws[:, c][:, None]) * s for c, s in ((TALL, height), (WIDE, width)))
    top, left = draws[:, TOP][:, None] * (height - tall), draws[:, LEFT][:, None] * (width - wide)
    rows = torch.arange(height, device=images.device)[None]
    columns = torch.arange(width, device=images.device)[None]
    hidden = ((rows >= top) & (rows < top + tall))[:, :, None] & ((columns >= left) & (columns < left + wide))[:, None]
    hidden &= (draws[:, ERASE] < chance)[:, None, None]
    return torch.where(hidden[:, None], images.mean(dim=(1, 2, 3), keepdim=True), images)
