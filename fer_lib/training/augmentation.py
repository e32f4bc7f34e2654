"""Images are varied a batch at a time, on tensors, the way a webcam would vary them."""

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


def augment(images: Tensor, strength: str, size: int, generator: torch.Generator) -> Tensor:
    """Vary images and bring them to `size`.

    Args:
        images: `(n, c, s, s)` float32 in [0, 1].
        strength: none, light or strong.
        size: side of the result in pixels.
        generator: where the randomness comes from, on the images' device.

    Returns:
        `(n, c, size, size)` float32 in [0, 1].
    """
    if strength == "none":
        return resize(images, size)
    how = STRENGTHS[strength]
    varied = _move(images, how, size, generator)
    if how.blur:
        varied = _blur(varied, how.blur, generator)
    varied = _relight(varied, how, generator)
    if how.erase:
        varied = _erase(varied, how.erase, generator)
    return varied.clamp(0, 1)


def resize(images: Tensor, size: int) -> Tensor:
    """Bring `(n, c, s, s)` to `size`; nothing is done where it already fits."""
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def mix_up(images: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Blend each image and its target `(n, 7)` with another of the batch (Zhang et al., 2018)."""
    gammas = torch._standard_gamma(torch.full((2,), alpha, device=images.device), generator=generator)
    share = gammas[0] / gammas.sum().clamp_min(1e-12)
    other = torch.randperm(len(images), generator=generator, device=images.device)
    return images.lerp(images[other], 1 - share), targets.lerp(targets[other], 1 - share)


def _uniform(n: int, spread: float, like: Tensor, generator: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=generator, device=like.device) * 2 - 1) * spread


def _move(images: Tensor, how: Strength, size: int, generator: torch.Generator) -> Tensor:
    n, c = images.shape[:2]
    angle = _uniform(n, math.radians(how.rotation), images, generator)
    zoom = 1 + _uniform(n, how.zoom, images, generator)
    flip = torch.where(torch.rand(n, generator=generator, device=images.device) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    right, down = (_uniform(n, 2 * how.shift, images, generator) for _ in range(2))
    theta = torch.stack([torch.stack([cos * flip, -sin, right], 1), torch.stack([sin * flip, cos, down], 1)], 1)
    grid = functional.affine_grid(theta, [n, c, size, size], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(images: Tensor, how: Strength, generator: torch.Generator) -> Tensor:
    n = len(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = 1 + _uniform(n, how.contrast, images, generator).view(n, 1, 1, 1)
    light = _uniform(n, how.light, images, generator).view(n, 1, 1, 1)
    varied = (images - mean) * contrast + mean * (1 + light)
    if how.noise:
        level = torch.rand(n, 1, 1, 1, generator=generator, device=images.device) * how.noise
        varied = varied + torch.randn(varied.shape, generator=generator, device=images.device) * level
    return varied


def _blur(images: Tensor, chance: float, generator: torch.Generator) -> Tensor:
    small = functional.avg_pool2d(images, 2)
    soft = functional.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < chance
    return torch.where(chosen, soft, images)


def _erase(images: Tensor, chance: float, generator: torch.Generator) -> Tensor:
    n, _, height, width = images.shape
    draw = torch.rand(n, 5, generator=generator, device=images.device)
    tall, wide = (0.1 + 0.25 * draw[:, 0:1]) * height, (0.1 + 0.25 * draw[:, 1:2]) * width
    top, left = draw[:, 2:3] * (height - tall), draw[:, 3:4] * (width - wide)
    rows = torch.arange(height, device=images.device)[None]
    columns = torch.arange(width, device=images.device)[None]
    hidden = ((rows >= top) & (rows < top + tall))[:, :, None] & ((columns >= left) & (columns < left + wide))[:, None]
    hidden &= (draw[:, 4] < chance)[:, None, None]
    return torch.where(hidden[:, None], images.mean(dim=(1, 2, 3), keepdim=True), images)
