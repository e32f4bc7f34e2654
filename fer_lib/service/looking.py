"""What a worker does with uploaded pictures."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import HTTPException

from fer_lib.service.answers import (
    Answer,
    Emotion,
    FaceTable,
    ModelType,
    Probabilities,
    Refused,
    list_boxes,
    list_faces,
)
from fer_lib.service.engine import Looker
from fer_lib.service.pictures import read_picture
from fer_lib.vision.frames import Frame


def look(engine: Looker, data: bytes, model_type: ModelType, max_pixels: int) -> Answer:
    """Answer one picture.

    Raises:
        HTTPException: 413 or 415 if it can't be looked at.
    """
    return _answer(engine, read_picture(data, max_pixels), model_type)


def look_at_all(
    engine: Looker, files: Sequence[bytes], model_type: ModelType, max_pixels: int
) -> list[Answer | Refused]:
    """Answer several pictures, in their order; one that can't be looked at does not keep the others from it."""
    results: list[Answer | Refused] = []
    for data in files:
        try:
            results.append(look(engine, data, model_type, max_pixels))
        except HTTPException as problem:
            results.append(Refused(status=problem.status_code, detail=problem.detail))
    return results


def _answer(engine: Looker, frame: Frame, model_type: ModelType) -> Answer:
    if model_type == "face":
        return list_boxes(engine.detect(frame))
    if model_type == "emotion":
        return Emotion(probabilities=Probabilities.of(engine.classify(frame)))
    faces = engine.analyze(frame)
    return FaceTable(width=frame.shape[1], height=frame.shape[0], faces=list_faces(faces))
