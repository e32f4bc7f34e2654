"""Inference on uploaded images: the engine's interface, and one image or a batch to a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from fastapi import HTTPException
from numpy.typing import NDArray

from fer_lib.faces import Faces
from fer_lib.service.image_body import read_image
from fer_lib.service.schemas import (
    Emotion,
    FaceTable,
    ModelType,
    Probabilities,
    Refused,
    Result,
    list_boxes,
    list_faces,
)
from fer_lib.vision.media.frames import Frame


class Stream(Protocol):
    """The pipeline of one stream, which keeps tracks between frames."""

    def process(self, frame: Frame, time_s: float) -> Faces:
        """Process the next frame: detect, classify, track and smooth."""

    def adjust(self, smoothing_s: float) -> None:
        """Set the time constant of the smoothed probabilities, in seconds."""


class InferenceEngine(Protocol):
    """Interface of the networks to the service. All methods are thread-safe.

    Attributes:
        network_sha256: SHA-256 of the emotion network's file.
    """

    network_sha256: str

    def detect(self, frame: Frame) -> Faces:
        """Detect the faces of an image."""

    def analyze(self, frame: Frame) -> Faces:
        """Detect the faces of an image and classify their emotions."""

    def classify(self, frame: Frame) -> NDArray[np.float32]:
        """Classify the emotion of an image that is one face; return probabilities, `(7,)`."""

    def open_stream(self) -> Stream:
        """Create the pipeline of a stream, which one thread at a time may use."""


def infer(engine: InferenceEngine, data: bytes, model_type: ModelType, max_pixels: int) -> Result:
    """Decode one image and run the requested inference.

    Raises:
        HTTPException: 413 or 415 if the image can't be decoded.
    """
    return _infer_frame(engine, read_image(data, max_pixels), model_type)


def infer_batch(
    engine: InferenceEngine, files: Sequence[bytes], model_type: ModelType, max_pixels: int
) -> list[Result | Refused]:
    """Run inference on several images, in their order; one that can't be decoded does not affect the others."""
    results: list[Result | Refused] = []
    for data in files:
        try:
            results.append(infer(engine, data, model_type, max_pixels))
        except HTTPException as error:
            results.append(Refused(status=error.status_code, detail=error.detail))
    return results


def _infer_frame(engine: InferenceEngine, frame: Frame, model_type: ModelType) -> Result:
    if model_type == "face":
        return list_boxes(engine.detect(frame))
    if model_type == "emotion":
        return Emotion(probabilities=Probabilities.of(engine.classify(frame)))
    faces = engine.analyze(frame)
    return FaceTable(width=frame.shape[1], height=frame.shape[0], faces=list_faces(faces))
