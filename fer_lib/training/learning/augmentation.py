"""Data augmentation on batches of tensors: affine transform, brightness, contrast, noise, blur, random erasing, mixup, CutMix.

An augmented view of an image is determined by one row of uniform random numbers (`draw_views`). They are drawn on the CPU, so
that a view can be reproduced on any device. Only the noise pattern is drawn on the device of the images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Strength:
    """Ranges of the augmentation parameters.

    Attributes:
        rotation: largest angle, in degrees, in either direction.
        zoom: largest relative change of scale.
        shift: largest shift in either direction, as a fraction of the side.
        brightness: largest relative change of brightness.
        contrast: largest relative change of contrast.
        noise: largest standard deviation of Gaussian noise, for grey levels in [0, 1].
        erase: probability of random erasing.
        blur: probability of blur.
    """

    rotation: float
    zoom: float
    shift: float
    brightness: float
    contrast: float
    noise: float = 0.0
    erase: float = 0.0
    blur: float = 0.0


STRENGTHS = {
    "light": Strength(rotation=10, zoom=0.1, shift=0.06, brightness=0.2, contrast=0.2),
    "strong": Strength(
        rotation=15, zoom=0.15, shift=0.08, brightness=0.3, contrast=0.35, noise=0.04, erase=0.3, blur=0.2
    ),
}


# Columns of the uniform random numbers in [0, 1) that determine a view.
DRAWS = 14
(
    ROTATION,
    ZOOM,
    FLIP,
    SHIFT_X,
    SHIFT_Y,
    BLUR,
    CONTRAST,
    BRIGHTNESS,
    NOISE,
    ERASE,
    ERASE_HEIGHT,
    ERASE_WIDTH,
    ERASE_TOP,
    ERASE_LEFT,
) = range(DRAWS)


def draw_views(n: int, seed: int) -> Tensor:
    """Draw the uniform random numbers `(n, DRAWS)` of one augmented view of each of `n` images, on the CPU."""
    return torch.rand(n, DRAWS, generator=torch.Generator().manual_seed(seed))


def draw_jitter(n: int, seed: int, largest: float) -> Tensor:
    """Draw crop jitter for `n` images: shift in x, shift in y, change of scale, `(n, 3)` in [-largest, largest), on the CPU."""
    return _spread(torch.rand(n, 3, generator=torch.Generator().manual_seed(seed)), largest)


def augment(
    images: Tensor,
    strength: str,
    size: int,
    draws: Tensor,
    generator: torch.Generator,
    jitter: Tensor | None = None,
) -> Tensor:
    """Compute one augmented view of each image, resized.

    Args:
        images: `(n, c, s, s)` float32 in [0, 1].
        strength: none, light or strong.
        size: side of the output in pixels.
        draws: `(n, DRAWS)` from `draw_views`, on the images' device.
        generator: random generator of the noise pattern, on the images' device.
        jitter: `(n, 3)` from `draw_jitter`, on the images' device, added to shift and scale of the view; ignored with `none`.

    Returns:
        `(n, c, size, size)` float32 in [0, 1].
    """
    if strength == "none":
        return resize(images, size)
    ranges = STRENGTHS[strength]
    augmented = _transform(images, ranges, size, draws, jitter)
    if ranges.blur:
        augmented = _blur(augmented, ranges.blur, draws)
    augmented = _change_brightness(augmented, ranges, draws, generator)
    if ranges.erase:
        augmented = _erase(augmented, ranges.erase, draws)
    return augmented.clamp(0, 1)


def resize(images: Tensor, size: int) -> Tensor:
    """Resize `(n, c, s, s)` to `(n, c, size, size)`, bilinear with antialiasing; the same object if the size is equal."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def mix_up(images: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., 2018): blend each image and target `(n, 7)` with another of the batch; weight from Beta(alpha, alpha)."""
    share = _draw_share(alpha, generator)
    other = torch.randperm(len(images), generator=generator, device=images.device)
    return images.lerp(images[other], 1 - share), targets.lerp(targets[other], 1 - share)


def cut_mix(images: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """CutMix (Yun et al., 2019): replace a rectangle of each image by that of another, and its area's share of the target `(n, 7)`.

    The rectangle is the same for all images of the batch.
    """
    n, _, height, width = images.shape
    side = (1 - _draw_share(alpha, generator)).sqrt()
    center = torch.rand(2, generator=generator, device=images.device)
    rows = _inside(torch.arange(height, device=images.device) + 0.5, center[0] * height, side * height / 2)
    columns = _inside(torch.arange(width, device=images.device) + 0.5, center[1] * width, side * width / 2)
    cut = rows[:, None] & columns
    other = torch.randperm(n, generator=generator, device=images.device)
    return torch.where(cut, images[other], images), targets.lerp(targets[other], cut.float().mean())


def _inside(coordinates: Tensor, center: Tensor, half_width: Tensor) -> Tensor:
    return (coordinates - center).abs() < half_width


def _spread(numbers: Tensor, width: float) -> Tensor:
    """Scale uniform numbers from [0, 1) to [-width, width)."""
    return (numbers * 2 - 1) * width


def _draw_share(alpha: float, generator: torch.Generator) -> Tensor:
    """Draw from Beta(alpha, alpha) on the generator's device, without synchronisation."""
    gammas = torch._standard_gamma(torch.full((2,), alpha, device=generator.device), generator=generator)
    return gammas[0] / gammas.sum().clamp_min(1e-12)


def _transform(images: Tensor, ranges: Strength, size: int, draws: Tensor, jitter: Tensor | None) -> Tensor:
    n, c = images.shape[:2]
    angle = _spread(draws[:, ROTATION], math.radians(ranges.rotation))
    zoom = 1 + _spread(draws[:, ZOOM], ranges.zoom)
    # A fraction of the side is doubled in the coordinates of the grid, which range from -1 to 1.
    x, y = (_spread(draws[:, column], 2 * ranges.shift) for column in (SHIFT_X, SHIFT_Y))
    if jitter is not None:
        x, y, zoom = x + 2 * jitter[:, 0], y + 2 * jitter[:, 1], zoom * (1 + jitter[:, 2])
    flip = torch.where(draws[:, FLIP] < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack([torch.stack([cos * flip, -sin, x], 1), torch.stack([sin * flip, cos, y], 1)], 1)
    grid = functional.affine_grid(theta, [n, c, size, size], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _change_brightness(images: Tensor, ranges: Strength, draws: Tensor, generator: torch.Generator) -> Tensor:
    n = len(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = 1 + _spread(draws[:, CONTRAST], ranges.contrast).view(n, 1, 1, 1)
    brightness = _spread(draws[:, BRIGHTNESS], ranges.brightness).view(n, 1, 1, 1)
    augmented = (images - mean) * contrast + mean * (1 + brightness)
    if ranges.noise:
        deviation = draws[:, NOISE].view(n, 1, 1, 1) * ranges.noise
        augmented = augmented + torch.randn(augmented.shape, generator=generator, device=images.device) * deviation
    return augmented


def _blur(images: Tensor, probability: float, draws: Tensor) -> Tensor:
    small = functional.avg_pool2d(images, 2)
    blurred = functional.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(draws[:, BLUR].view(-1, 1, 1, 1) < probability, blurred, images)


def _erase(images: Tensor, probability: float, draws: Tensor) -> Tensor:
    _, _, height, width = images.shape
    tall, wide = ((0.1 + 0.25 * draws[:, c][:, None]) * s for c, s in ((ERASE_HEIGHT, height), (ERASE_WIDTH, width)))
    top, left = draws[:, ERASE_TOP][:, None] * (height - tall), draws[:, ERASE_LEFT][:, None] * (width - wide)
    rows = torch.arange(height, device=images.device)[None]
    columns = torch.arange(width, device=images.device)[None]
    erased = ((rows >= top) & (rows < top + tall))[:, :, None] & ((columns >= left) & (columns < left + wide))[:, None]
    erased &= (draws[:, ERASE] < probability)[:, None, None]
    return torch.where(erased[:, None], images.mean(dim=(1, 2, 3), keepdim=True), images)
