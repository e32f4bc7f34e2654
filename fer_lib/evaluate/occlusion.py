"""Occlusion maps: how much probability the label loses when a part of the face is covered.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014. Only predictions are needed, no gradients,
so any ONNX network can be used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.evaluate.predictions import Predictions, predict_logits
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import softmax
from fer_lib.vision.recognition import Recognizer

WINDOW = 0.25  # side of the occluding square, as a share of the image's side
STRIDE = 0.125  # distance between its positions, as a share of the image's side


def average_occlusion_maps(
    recognizer: Recognizer, predictions: Predictions, images: int = 16
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Average the occlusion maps of the images of each label that the network predicts with most confidence.

    Args:
        recognizer: the network.
        predictions: for the evaluated split.
        images: number of images per label.

    Returns:
        For each label that occurs: the mean image in grey levels, and the mean drop of the label's probability by
        position of the occlusion; both `(size, size)`.
    """
    maps = {}
    for target, label in enumerate(EMOTIONS):
        rows = np.flatnonzero(predictions.targets == target)
        rows = rows[np.argsort(-predictions.probabilities[rows, target], kind="stable")[:images]]
        faces = predictions.split.images[rows]
        if len(faces):
            drops = [compute_occlusion_map(recognizer, face, target, predictions.temperature) for face in faces]
            maps[label] = (
                np.asarray(faces.mean(axis=(0, 3)), np.float32),
                np.asarray(np.mean(drops, axis=0), np.float32),
            )
    return maps


def compute_occlusion_map(
    recognizer: Recognizer, image: NDArray[np.uint8], target: int, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Compute the drop of the probability of `target` by occluded pixel of an image `(size, size, c)`, `(size, size)`.

    The occlusion is a square in the mean colour of the image. The value of a pixel is the mean over all positions of the
    square that contain it, weighted by a Hann window around the square's centre.
    """
    side = len(image)
    positions = _window_positions(side)
    occluded = np.repeat(image[None], len(positions), axis=0)
    for one, (y, x, window) in zip(occluded, positions, strict=True):
        one[y : y + window, x : x + window] = image.mean(axis=(0, 1))
    logits = predict_logits(recognizer, np.concatenate([image[None], occluded]))
    probabilities = softmax(logits, temperature)[:, target]
    drop, total = np.zeros((2, side, side), np.float32)
    for probability, (y, x, window) in zip(probabilities[1:], positions, strict=True):
        hann = np.hanning(window + 2)[1:-1]
        weights = np.outer(hann, hann)
        drop[y : y + window, x : x + window] += weights * (probabilities[0] - probability)
        total[y : y + window, x : x + window] += weights
    return drop / total


def _window_positions(side: int) -> list[tuple[int, int, int]]:
    """Return y, x and side of every position of the occluding square, in pixels."""
    window, stride = max(round(WINDOW * side), 1), max(round(STRIDE * side), 1)
    starts = sorted({*range(0, side - window + 1, stride), side - window})  # the last one touches the border
    return [(y, x, window) for y in starts for x in starts]
