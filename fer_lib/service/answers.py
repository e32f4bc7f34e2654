"""The shapes of answers: a contract with those who call."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS

ModelType = Literal["face", "emotion", "faces"]
Label = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
Probability = Annotated[float, Field(ge=0, le=1)]
PIXELS = "in pixels of the picture, turned as its EXIF entry says"
Box = Annotated[
    tuple[float, float, float, float],
    Field(description=f"x1, y1, x2, y2: left, top, right and bottom edge, {PIXELS}"),
]
Point = Annotated[tuple[float, float], Field(description=f"x and y, {PIXELS}; it may lie a little outside")]


class Probabilities(BaseModel):
    """How probable each emotion is, in [0, 1]; the seven sum to 1."""

    angry: Probability
    disgust: Probability
    fear: Probability
    happy: Probability
    neutral: Probability
    sad: Probability
    surprise: Probability

    @classmethod
    def of(cls, row: NDArray[np.float32]) -> Self:
        """Take them from a row of the table, `(7,)`."""
        return cls(**{label: round(min(float(value), 1), 6) for label, value in zip(EMOTIONS, row, strict=True)})


class Boxes(BaseModel):
    """Where the faces are."""

    boxes: list[Box] = Field(description="one per face, the largest first; none if there is no face")


class Emotion(BaseModel):
    """What one face shows."""

    probabilities: Probabilities


class Face(BaseModel):
    """All that is known of one face."""

    box: Box
    confidence: Probability = Field(description="how sure the detector is that this is a face, in [0, 1]")
    landmarks: list[Point] | None = Field(
        default=None,
        description="five points: left eye, right eye, nose, left and right corner of the mouth, as they lie in the "
        "picture; null if they are not known",
    )
    label: Label = Field(description="the most probable emotion")
    probabilities: Probabilities
    track_id: int | None = Field(
        default=None, description="the same number for the same face; only in streams, else null"
    )


class FaceTable(BaseModel):
    """Everything about the faces of one picture."""

    width: int = Field(ge=1, description="width of the picture in pixels, turned as its EXIF entry says")
    height: int = Field(ge=1, description="height of the picture in pixels, likewise")
    faces: list[Face] = Field(description="the largest first; none is normal")


Answer = Boxes | Emotion | FaceTable


class Refused(BaseModel):
    """Why one picture of a batch has no answer."""

    status: int = Field(description="what the picture alone would have been answered with: 413 or 415")
    detail: str = Field(description="one sentence for people")


class Batch(BaseModel):
    """Answers to several pictures."""

    results: list[Boxes | Emotion | FaceTable | Refused] = Field(
        description="one per picture, in the order of the request"
    )


class Health(BaseModel):
    """That the service runs, and what it runs."""

    status: Literal["ok"] = "ok"
    version: str = Field(description="version of the package")
    network_sha256: str = Field(description="SHA-256 of the emotion network, to tell versions apart")
    busy: int = Field(ge=0, description="pictures that are looked at or wait, in this process")
    streams: int = Field(ge=0, description="streams that are open, in this process")


class StreamFace(Face):
    """A face in a stream, where `probabilities` are smoothed."""

    raw_probabilities: Probabilities | None = Field(default=None, description="the same before smoothing")


class StreamAnswer(BaseModel):
    """The answer to one frame of a stream: its faces, or why there are none to tell."""

    frame: int = Field(ge=0, description="number of the frame in this stream, from 0")
    faces: list[StreamFace] | None = None
    detail: str | None = Field(default=None, description="one sentence, if the frame was not looked at")
    status: int | None = Field(
        default=None, description="what the frame alone would have been answered with: 413, 415 or 503"
    )


class StreamWish(BaseModel):
    """How the frames of a stream are to be looked at from the next one on."""

    model_config = ConfigDict(extra="forbid")

    smoothing_s: float = Field(description="time constant of the probabilities in seconds; 0: off")


def list_boxes(faces: Faces) -> Boxes:
    """Return where the faces are."""
    return Boxes(boxes=[_box(row) for row in faces.xyxy])


def list_faces(faces: Faces) -> list[Face]:
    """Return all that is known of the faces; `probabilities` must be known."""
    if faces.probabilities is None:
        raise ValueError("`faces` must have probabilities, but got None")
    labels: list[Label] = faces.labels  # type: ignore[assignment]
    return [
        Face(
            box=_box(faces.xyxy[i]),
            confidence=round(min(float(faces.confidence[i]), 1), 4),
            landmarks=None if faces.landmarks is None else [_point(point) for point in faces.landmarks[i]],
            label=label,
            probabilities=Probabilities.of(faces.probabilities[i]),
            track_id=None if faces.track_id is None else int(faces.track_id[i]),
        )
        for i, label in enumerate(labels)
    ]


def list_stream_faces(faces: Faces) -> list[StreamFace]:
    """Return the same of the faces of a stream, with what the network said before smoothing if that is known."""
    raw = (
        [None] * len(faces) if faces.raw_probabilities is None else list(map(Probabilities.of, faces.raw_probabilities))
    )
    return [StreamFace(**dict(face), raw_probabilities=row) for face, row in zip(list_faces(faces), raw, strict=True)]


def _box(row: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (round(float(value), 2) for value in row)
    return x1, y1, x2, y2


def _point(row: NDArray[np.float32]) -> tuple[float, float]:
    return round(float(row[0]), 2), round(float(row[1]), 2)
