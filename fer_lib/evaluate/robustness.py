"""Corruption robustness (Hendrycks and Dietterich, 2019): accuracy under corruptions that occur in front of a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.evaluate.predictions import Predictions, predict_logits
from fer_lib.metrics import wilson_interval
from fer_lib.vision.recognition import Recognizer

Image = NDArray[np.uint8]
SPREAD = 61  # a prime: `turn` times it spreads the columns of a square independently of its rows


@dataclass(frozen=True)
class Corruption:
    """A corruption of images with its strengths.

    Attributes:
        name: the varied property.
        unit: of the strengths.
        strengths: measured ones, in the order of the axis.
        apply: `(image, strength, turn)` → image, `(size, size, c)` both; `turn` in [0, 1) selects direction or position.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Image, float, float], Image]


def change_brightness(image: Image, factor: float, turn: float = 0) -> Image:
    """Multiply all pixels by a factor and clip to [0, 255]."""
    return np.asarray((image * np.float32(factor)).clip(0, 255), np.uint8)


def change_gamma(image: Image, gamma: float, turn: float = 0) -> Image:
    """Apply gamma correction: pixels, scaled to [0, 1], to the power of `gamma`; above 1 is darker."""
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(table[image], np.uint8)


def blur(image: Image, percent: float, turn: float = 0) -> Image:
    """Apply a Gaussian blur, its sigma in percent of the image's side."""
    sigma = percent / 100 * len(image)
    return _like(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), image) if sigma else image


def compress(image: Image, quality: float, turn: float = 0) -> Image:
    """Compress as JPEG and decode again; quality in [1, 100]."""
    pixels = image[:, :, ::-1] if image.shape[2] == 3 else image  # OpenCV encodes and decodes BGR
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    decoded = _like(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), image)
    return np.ascontiguousarray(decoded[:, :, ::-1]) if image.shape[2] == 3 else decoded


def shrink(image: Image, side: float, turn: float = 0) -> Image:
    """Downsample to `side` pixels and upsample again, like a face far from the camera."""
    if side >= len(image):
        return image
    small = cv2.resize(image, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _like(cv2.resize(small, (len(image), len(image)), interpolation=cv2.INTER_LINEAR), image)


def shift(image: Image, percent: float, turn: float = 0) -> Image:
    """Shift the box by `percent` of its side, in the direction 360° × `turn`."""
    angle, distance = 2 * np.pi * turn, percent / 100 * len(image)
    return _warp(image, np.array([[1, 0, distance * np.cos(angle)], [0, 1, distance * np.sin(angle)]]))


def rotate(image: Image, degrees: float, turn: float = 0) -> Image:
    """Rotate in the image plane by `degrees`: counter-clockwise for `turn` below 0.5, else clockwise."""
    center = (len(image) - 1) / 2
    return _warp(image, cv2.getRotationMatrix2D((center, center), degrees if turn < 0.5 else -degrees, 1.0))


def occlude(image: Image, percent: float, turn: float = 0) -> Image:
    """Occlude a square with the image's mean colour; side in percent of the image's, position by `turn`."""
    side = round(percent / 100 * len(image))
    free = len(image) - side
    y, x = round(turn * free), round(turn * SPREAD % 1 * free)
    occluded = image.copy()
    occluded[y : y + side, x : x + side] = image.mean(axis=(0, 1))
    return occluded


CORRUPTIONS = (
    Corruption("gamma", "exponent, above 1 is darker", (0.25, 0.4, 0.63, 1, 1.6, 2.5, 4), change_gamma),
    Corruption("brightness", "times as bright", (0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3), change_brightness),
    Corruption("blur", "sigma, % of the face", (0, 1, 2, 3, 4, 6, 8), blur),
    Corruption("JPEG", "quality", (90, 70, 50, 30, 20, 10, 5), compress),
    Corruption("face size", "pixels", (48, 32, 24, 18, 14, 10, 7), shrink),
    Corruption("shift of the box", "% of the face", (0, 5, 10, 15, 20, 30), shift),
    Corruption("tilt", "degrees", (0, 5, 10, 15, 20, 30, 45), rotate),
    Corruption("occlusion", "side of a square, % of the face", (0, 10, 20, 30, 40, 50, 60), occlude),
)


def corrupt(images: NDArray[np.uint8], corruption: Corruption, strength: float) -> NDArray[np.uint8]:
    """Apply a corruption to images `(n, size, size, c)`; directions are deterministic and evenly spread over the images."""
    golden = 0.6180339887498949  # multiples of the golden ratio fill [0, 1) evenly
    corrupted = [corruption.apply(image, strength, row * golden % 1) for row, image in enumerate(images)]
    return np.array(corrupted, np.uint8).reshape(images.shape)


def render_corruptions(image: Image) -> tuple[NDArray[np.uint8], list[str]]:
    """Return an image `(size, size, c)` and its copies under every corruption at the second-last strength, with names."""
    corrupted = [corrupt(image[None], one, one.strengths[-2])[0] for one in CORRUPTIONS]
    return np.stack([image, *corrupted]), ["unchanged", *(one.name for one in CORRUPTIONS)]


def measure_robustness(
    recognizer: Recognizer, predictions: Predictions, images: int = 1000, quiet: bool = False
) -> dict[str, dict[str, Any]]:
    """Measure the accuracy under every corruption.

    Args:
        recognizer: the network.
        predictions: for the evaluated split.
        images: number of its images to use, spread evenly, so that the labels keep their shares.
        quiet: show no progress bar.

    Returns:
        For each corruption its unit and strengths, the accuracy and its 95 % interval at each of them, and the
        accuracy on the same images without corruption (clean accuracy).
    """
    rows = np.unique(np.linspace(0, len(predictions) - 1, min(images, len(predictions))).astype(int))
    targets, selected = predictions.targets[rows], predictions.split.images[rows]
    clean = float(predictions.is_correct[rows].mean())
    curves = {}
    with tqdm(total=sum(len(d.strengths) for d in CORRUPTIONS), desc="corruptions", disable=quiet, leave=False) as bar:
        for corruption in CORRUPTIONS:
            correct = []
            for strength in corruption.strengths:
                logits = predict_logits(recognizer, corrupt(selected, corruption, strength))
                correct.append(int((logits.argmax(axis=1) == targets).sum()))
                bar.update()
            curves[corruption.name] = {
                "unit": corruption.unit,
                "strengths": list(corruption.strengths),
                "accuracy": [one / len(rows) for one in correct],
                "accuracy_ci95": [list(wilson_interval(one, len(rows))) for one in correct],
                "clean_accuracy": clean,
            }
    return curves


def _warp(image: Image, matrix: Any) -> Image:
    size = (len(image), len(image))
    return _like(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), image)


def _like(pixels: Any, image: Image) -> Image:
    return np.asarray(pixels, np.uint8).reshape(image.shape)  # OpenCV drops a single channel
