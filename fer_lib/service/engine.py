"""The networks of a process, loaded once and shared by all requests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import crop_faces
from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.media.frames import Frame
from fer_lib.vision.mtcnn.detection import Detector
from fer_lib.vision.pipeline import Pipeline
from fer_lib.vision.recognition import Recognizer


class Engine:
    """Inference engine of the detector and the emotion network. Both are stateless, so threads may share them.

    Args:
        settings: loaded from the environment if not given.

    Attributes:
        network_sha256: SHA-256 of the emotion network's file.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._detector = Detector(self._settings)
        self._recognizer = Recognizer(self._settings)
        self.network_sha256 = str(self._recognizer.weights.card["sha256"])

    def detect(self, frame: Frame) -> Faces:
        """Return boxes, confidence and landmarks in pixels of the frame, the largest face first."""
        return self._detector.detect(frame)

    def analyze(self, frame: Frame) -> Faces:
        """Return boxes, confidence, landmarks and probabilities, the largest face first."""
        return self._recognizer.recognize(frame, self._detector.detect(frame))

    def classify(self, frame: Frame) -> NDArray[np.float32]:
        """Return the probabilities of an image that is one face, `(7,)`.

        The image is used without detection and without the margin of a detected crop, as in training; one that is not
        square is padded by repeating its border.
        """
        spec = replace(self._recognizer.spec, scale=1.0, shift_y=0.0)
        xyxy = np.array([[0, 0, frame.shape[1], frame.shape[0]]], np.float32)
        return self._recognizer.classify(crop_faces(frame, xyxy, spec))[0]

    def open_stream(self) -> Pipeline:
        """Return a pipeline with its own tracks and smoothing over the shared networks."""
        return Pipeline(self._detector, self._recognizer, self._settings)
