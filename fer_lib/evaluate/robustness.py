"""What is left of the accuracy when the images get worse, as they do in front of a real camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.evaluate.predictions import Answers, answer_images
from fer_lib.metrics import wilson_interval
from fer_lib.vision.recognition import Recognizer

Image = NDArray[np.uint8]
PLACES = 61  # a prime: multiples of `turn` spread the columns of a square independently of its rows


@dataclass(frozen=True)
class Disturbance:
    """One way in which images get worse.

    Attributes:
        name: what is varied.
        unit: what the strengths are measured in.
        strengths: which ones are tried, in the order of the axis.
        apply: `(image, strength, turn)` → image, `(size, size, c)` both; `turn` in [0, 1) decides about directions.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Image, float, float], Image]


def change_brightness(image: Image, factor: float, turn: float = 0) -> Image:
    """Multiply all pixels; what gets too bright stays white."""
    return np.asarray((image * np.float32(factor)).clip(0, 255), np.uint8)


def change_gamma(image: Image, gamma: float, turn: float = 0) -> Image:
    """Raise all pixels, in [0, 1], to the power of `gamma`: above 1 darker, below brighter."""
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(table[image], np.uint8)


def blur(image: Image, percent: float, turn: float = 0) -> Image:
    """Blur by a Gaussian, its sigma in percent of the image's side."""
    sigma = percent / 100 * len(image)
    return _like(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), image) if sigma else image


def compress(image: Image, quality: float, turn: float = 0) -> Image:
    """Send through JPEG, quality in [1, 100]."""
    pixels = image[:, :, ::-1] if image.shape[2] == 3 else image  # OpenCV writes and reads BGR
    written = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    read = _like(cv2.imdecode(written, cv2.IMREAD_UNCHANGED), image)
    return np.ascontiguousarray(read[:, :, ::-1]) if image.shape[2] == 3 else read


def shrink(image: Image, side: float, turn: float = 0) -> Image:
    """Reduce to `side` pixels and enlarge again, as happens to a face far away."""
    if side >= len(image):
        return image
    small = cv2.resize(image, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _like(cv2.resize(small, (len(image), len(image)), interpolation=cv2.INTER_LINEAR), image)


def shift(image: Image, percent: float, turn: float = 0) -> Image:
    """Move the box by so many percent of its side, in the direction `turn`."""
    angle, far = 2 * np.pi * turn, percent / 100 * len(image)
    return _warp(image, np.array([[1, 0, far * np.cos(angle)], [0, 1, far * np.sin(angle)]]))


def rotate(image: Image, degrees: float, turn: float = 0) -> Image:
    """Tilt the face, to the left or, from half a `turn`, to the right."""
    middle = (len(image) - 1) / 2
    return _warp(image, cv2.getRotationMatrix2D((middle, middle), degrees if turn < 0.5 else -degrees, 1.0))


def occlude(image: Image, percent: float, turn: float = 0) -> Image:
    """Cover a square of the image's mean colour, its side in percent of the image's, at a place that depends on `turn`."""
    side = round(percent / 100 * len(image))
    free = len(image) - side
    y, x = round(turn * free), round(turn * PLACES % 1 * free)
    covered = image.copy()
    covered[y : y + side, x : x + side] = image.mean(axis=(0, 1))
    return covered


DISTURBANCES = (
    Disturbance("gamma", "exponent, above 1 is darker", (0.25, 0.4, 0.63, 1, 1.6, 2.5, 4), change_gamma),
    Disturbance("brightness", "times as bright", (0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3), change_brightness),
    Disturbance("blur", "sigma, % of the face", (0, 1, 2, 3, 4, 6, 8), blur),
    Disturbance("JPEG", "quality", (90, 70, 50, 30, 20, 10, 5), compress),
    Disturbance("face size", "pixels", (48, 32, 24, 18, 14, 10, 7), shrink),
    Disturbance("shift of the box", "% of the face", (0, 5, 10, 15, 20, 30), shift),
    Disturbance("tilt", "degrees", (0, 5, 10, 15, 20, 30, 45), rotate),
    Disturbance("occlusion", "side of a square, % of the face", (0, 10, 20, 30, 40, 50, 60), occlude),
)


def disturb(images: NDArray[np.uint8], disturbance: Disturbance, strength: float) -> NDArray[np.uint8]:
    """Make all images `(n, size, size, c)` worse; directions are spread evenly over them, the same every time."""
    golden = 0.6180339887498949  # multiples of the golden ratio fill [0, 1) evenly
    worse = [disturbance.apply(image, strength, row * golden % 1) for row, image in enumerate(images)]
    return np.array(worse, np.uint8).reshape(images.shape)


def show_disturbances(image: Image) -> tuple[NDArray[np.uint8], list[str]]:
    """Return one image `(size, size, c)` under every disturbance at the strongest but one, and their names."""
    shown = [disturb(image[None], one, one.strengths[-2])[0] for one in DISTURBANCES]
    return np.stack([image, *shown]), ["as it is", *(one.name for one in DISTURBANCES)]


def measure_robustness(
    recognizer: Recognizer, answers: Answers, images: int = 1000, quiet: bool = False
) -> dict[str, dict[str, Any]]:
    """Compute the accuracy under every disturbance.

    Args:
        recognizer: the network.
        answers: to the split that is judged; its labels keep their shares.
        images: how many of its images to use, spread evenly.
        quiet: show no progress bar.

    Returns:
        For each disturbance its unit and strengths, the accuracy and its 95 % interval at each of them, and the
        accuracy on the same images as they are (undisturbed).
    """
    rows = np.unique(np.linspace(0, len(answers) - 1, min(images, len(answers))).astype(int))
    targets, chosen = answers.targets[rows], answers.split.images[rows]
    undisturbed = float(answers.is_right[rows].mean())
    curves = {}
    with tqdm(total=sum(len(d.strengths) for d in DISTURBANCES), desc="disturbing", disable=quiet, leave=False) as bar:
        for disturbance in DISTURBANCES:
            right = []
            for strength in disturbance.strengths:
                logits = answer_images(recognizer, disturb(chosen, disturbance, strength))
                right.append(int((logits.argmax(axis=1) == targets).sum()))
                bar.update()
            curves[disturbance.name] = {
                "unit": disturbance.unit,
                "strengths": list(disturbance.strengths),
                "accuracy": [one / len(rows) for one in right],
                "accuracy_ci95": [list(wilson_interval(one, len(rows))) for one in right],
                "undisturbed": undisturbed,
            }
    return curves


def _warp(image: Image, matrix: Any) -> Image:
    size = (len(image), len(image))
    return _like(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), image)


def _like(pixels: Any, image: Image) -> Image:
    return np.asarray(pixels, np.uint8).reshape(image.shape)  # OpenCV drops a single channel
