"""Where a network looks: what it no longer recognises when a part of the face is covered.

Occlusion maps (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014) need nothing but
answers, so they work for any network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_lib.evaluate.predictions import Answers, answer_images
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import softmax
from fer_lib.vision.recognition import Recognizer

WINDOW = 0.25  # side of the cover, as a share of the image's side
STEP = 0.125  # how far it moves


def measure_attention(
    recognizer: Recognizer, answers: Answers, images: int = 16
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Cover every part of the faces that the network recognises best, and see what it loses.

    Args:
        recognizer: the network.
        answers: to the split that is judged.
        images: how many faces of each label to use.

    Returns:
        For each label that occurs: the mean of its faces, grey, and how much of the label's probability is lost where
        the cover lies, on average; both `(size, size)`.
    """
    found = {}
    for target, label in enumerate(EMOTIONS):
        rows = np.flatnonzero(answers.targets == target)
        rows = rows[np.argsort(-answers.probabilities[rows, target], kind="stable")[:images]]
        faces = answers.split.images[rows]
        if len(faces):
            drops = [map_drop(recognizer, face, target, answers.temperature) for face in faces]
            found[label] = (
                np.asarray(faces.mean(axis=(0, 3)), np.float32),
                np.asarray(np.mean(drops, axis=0), np.float32),
            )
    return found


def map_drop(
    recognizer: Recognizer, image: NDArray[np.uint8], target: int, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Return how much the probability of `target` drops where an image `(size, size, c)` is covered, `(size, size)`.

    Each pixel gets the mean over all places of the cover, a grey square, that hide it; a place counts the more the
    nearer its middle is.
    """
    side = len(image)
    places = _cover_places(side)
    covered = np.repeat(image[None], len(places), axis=0)
    for one, (y, x, window) in zip(covered, places, strict=True):
        one[y : y + window, x : x + window] = image.mean(axis=(0, 1))
    asked = np.concatenate([image[None], covered])
    chances = softmax(answer_images(recognizer, asked), temperature)[:, target]
    drop, total = np.zeros((2, side, side), np.float32)
    for chance, (y, x, window) in zip(chances[1:], places, strict=True):
        bump = np.hanning(window + 2)[1:-1]
        nearness = np.outer(bump, bump)
        drop[y : y + window, x : x + window] += nearness * (chances[0] - chance)
        total[y : y + window, x : x + window] += nearness
    return drop / total


def _cover_places(side: int) -> list[tuple[int, int, int]]:
    window, step = max(round(WINDOW * side), 1), max(round(STEP * side), 1)
    starts = sorted({*range(0, side - window + 1, step), side - window})  # the last one touches the border
    return [(y, x, window) for y in starts for x in starts]
