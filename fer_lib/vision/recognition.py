"""Faces get probabilities: all faces of a frame go through the emotion network in one batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import Pixels, crop_faces, normalize_crops
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import softmax
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.mtcnn.networks import open_network
from fer_lib.weights import EMOTION, REMEDY, Weights, load_emotion_weights


class Recognizer:
    """The emotion network, ready to run.

    Attributes:
        weights: the network's file and card.
        spec: how faces are cut for the network, from its card.

    Raises:
        FileNotFoundError: if the weights or their card are missing.
        ValueError: if the weights are damaged, or the network does not do what its card says.
    """

    def __init__(self, settings: VisionSettings | None = None, name: str = EMOTION) -> None:
        settings = settings or VisionSettings.load()
        self.weights = load_emotion_weights(settings.weights_dir, name)
        self.spec = self.weights.crop_spec
        self._session = open_network(self.weights, settings.threads)
        _check_input(self.weights, self._session.get_inputs())
        self._input = self._session.get_inputs()[0].name
        self._check_output()

    def recognize(self, frame: Pixels, faces: Faces) -> Faces:
        """Return the faces of `frame`, RGB `(h, w, 3)` uint8, with `probabilities`; no faces are normal."""
        return faces.with_columns(probabilities=self.classify(self.crop(frame, faces)))

    def crop(self, frame: Pixels, faces: Faces) -> Pixels:
        """Cut the faces as the network sees them, `(n, size, size, channels)` uint8."""
        return crop_faces(frame, faces.xyxy, self.spec)

    def classify(self, crops: Pixels) -> NDArray[np.float32]:
        """Return the probabilities of crops, `(n, 7)`; the network runs once, and not at all without crops."""
        if len(crops) == 0:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        return softmax(self.logits(crops), self.weights.temperature).astype(np.float32)

    def logits(self, crops: Pixels) -> NDArray[np.float32]:
        """Return the network's raw answers to at least one crop, `(n, 7)`."""
        return self._run(normalize_crops(crops, self.spec))

    def _run(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._session.run(None, {self._input: faces})[0])

    def _check_output(self) -> None:
        # Two blank faces also wake the network, so that the first face of a stream does not wait for it.
        blank = np.zeros((2, self.spec.channels, self.spec.size, self.spec.size), np.float32)
        try:
            shape = self._run(blank).shape
        except Exception as error:  # ONNX Runtime's errors have no common class of their own
            raise ValueError(f"`{self.weights.name}` must run on input {blank.shape}, but {error}; {REMEDY}") from None
        if shape != (2, len(EMOTIONS)):
            raise ValueError(
                f"`{self.weights.name}` must turn 2 faces into logits {(2, len(EMOTIONS))}, but got {shape}; {REMEDY}"
            )


def _check_input(weights: Weights, inputs: list[Any]) -> None:
    spec = weights.crop_spec
    wanted = (spec.channels, spec.size, spec.size)
    shapes = [list(entry.shape) for entry in inputs]
    # A dimension is a number if it is fixed, and a name or nothing if it takes any.
    fits = len(shapes) == 1 and len(shapes[0]) == 4 and not isinstance(shapes[0][0], int)
    if not fits or any(
        isinstance(size, int) and size != want for size, want in zip(shapes[0][1:], wanted, strict=True)
    ):
        raise ValueError(
            f"`{weights.name}` must take any number of faces {wanted}, as its card says, but it takes {shapes}; {REMEDY}"
        )
