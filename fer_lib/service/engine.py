"""The networks, loaded once and shared by all requests of a process."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import crop_faces
from fer_lib.faces import Faces
from fer_lib.service.batching import JoiningRecognizer
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.detection import Detector
from fer_lib.vision.frames import Frame
from fer_lib.vision.pipeline import Pipeline
from fer_lib.vision.recognition import Recognizer


class Stream(Protocol):
    """What is needed of the pipeline behind one stream."""

    def process(self, frame: Frame, time_s: float) -> Faces:
        """Understand the next frame."""

    def adjust(self, smoothing_s: float) -> None:
        """Smooth the probabilities with another time constant."""


class Looker(Protocol):
    """What the service needs of an engine; all of it may be called from several threads at once."""

    network_sha256: str

    def detect(self, frame: Frame) -> Faces:
        """Find the faces of a picture."""

    def analyze(self, frame: Frame) -> Faces:
        """Find the faces of a picture and name their emotions."""

    def classify(self, frame: Frame) -> NDArray[np.float32]:
        """Name the emotion of a picture of one face, `(7,)`."""

    def open_stream(self) -> Stream:
        """Begin a stream, for one thread at a time."""


class Engine:
    """Detector and emotion network. Neither remembers anything, so threads may share them.

    Args:
        settings: resolved as usual if not given.
        batching: whether faces of several pictures go through the emotion network together.

    Attributes:
        network_sha256: of the emotion network, to tell versions apart.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
    """

    def __init__(self, settings: VisionSettings | None = None, batching: bool = False) -> None:
        self._settings = settings or VisionSettings.load()
        self._detector = Detector(self._settings)
        self._recognizer = (JoiningRecognizer if batching else Recognizer)(self._settings)
        self.network_sha256 = str(self._recognizer.weights.card["sha256"])

    def detect(self, frame: Frame) -> Faces:
        """Return boxes, confidence and landmarks in pixels of the frame, the largest face first."""
        return self._detector.detect(frame)

    def analyze(self, frame: Frame) -> Faces:
        """Return the same with probabilities."""
        return self._recognizer.recognize(frame, self._detector.detect(frame))

    def classify(self, frame: Frame) -> NDArray[np.float32]:
        """Return the probabilities of a picture that is one face, `(7,)`.

        It is taken as it is, like those that the network learned from; if it is not square, its border is repeated.
        """
        spec = replace(self._recognizer.spec, scale=1.0, shift_y=0.0)
        whole = np.array([[0, 0, frame.shape[1], frame.shape[0]]], np.float32)
        return self._recognizer.classify(crop_faces(frame, whole, spec))[0]

    def open_stream(self) -> Pipeline:
        """Return a pipeline that remembers, over the shared networks."""
        return Pipeline(self._detector, self._recognizer, self._settings)
