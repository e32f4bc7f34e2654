"""Classify emotions: all faces of a frame in one batch of the emotion network."""

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
    """Emotion network in ONNX Runtime.

    Attributes:
        weights: verified weights and model card.
        spec: preprocessing of faces, from the model card.

    Raises:
        FileNotFoundError: if the weights or their card are missing.
        ValueError: if the weights are damaged, or input or output of the network differ from its card.
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
        """Add `probabilities` to the faces, which may be empty, of `frame`, RGB `(h, w, 3)` uint8."""
        return faces.with_columns(probabilities=self.classify(self.crop(frame, faces)))

    def crop(self, frame: Pixels, faces: Faces) -> Pixels:
        """Cut the input crops of the network, `(n, size, size, channels)` uint8."""
        return crop_faces(frame, faces.xyxy, self.spec)

    def classify(self, crops: Pixels) -> NDArray[np.float32]:
        """Compute the probabilities of crops, `(n, 7)`, in one run of the network, or none without crops."""
        if len(crops) == 0:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        return softmax(self.logits(crops), self.weights.temperature).astype(np.float32)

    def logits(self, crops: Pixels) -> NDArray[np.float32]:
        """Compute the logits of at least one crop, `(n, 7)`."""
        return self._run(normalize_crops(crops, self.spec))

    def _run(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._session.run(None, {self._input: faces})[0])

    def _check_output(self) -> None:
        # Two blank crops also warm up the network, so that the first face of a stream is not delayed.
        blank = np.zeros((2, self.spec.channels, self.spec.size, self.spec.size), np.float32)
        try:
            shape = self._run(blank).shape
        except Exception as error:  # the errors of ONNX Runtime have no common base class
            raise ValueError(f"`{self.weights.name}` must run on input {blank.shape}, but {error}; {REMEDY}") from None
        if shape != (2, len(EMOTIONS)):
            raise ValueError(
                f"`{self.weights.name}` must return logits of the shape {(2, len(EMOTIONS))}, but got {shape}; {REMEDY}"
            )


def _check_input(weights: Weights, inputs: list[Any]) -> None:
    spec = weights.crop_spec
    expected_shape = (spec.channels, spec.size, spec.size)
    shapes = [list(entry.shape) for entry in inputs]
    # A dimension is an integer if it is fixed, and a name or `None` if it is dynamic.
    fits = len(shapes) == 1 and len(shapes[0]) == 4 and not isinstance(shapes[0][0], int)
    if not fits or any(
        isinstance(size, int) and size != expected for size, expected in zip(shapes[0][1:], expected_shape, strict=True)
    ):
        raise ValueError(
            f"`{weights.name}` must have one input of any number of faces {expected_shape}, as in its model card, but got {shapes}; {REMEDY}"
        )
