"""Response models of the HTTP API and of streams, and their conversion from `Faces`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS

ModelType = Literal["face", "emotion", "faces"]
Label = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
Probability = Annotated[float, Field(ge=0, le=1)]
PIXELS = "in pixels of the image after rotation by its EXIF orientation"
Box = Annotated[
    tuple[float, float, float, float],
    Field(description=f"x1, y1, x2, y2: left, top, right and bottom edge, {PIXELS}"),
]
Point = Annotated[tuple[float, float], Field(description=f"x and y, {PIXELS}; it may lie slightly outside the image")]


class Probabilities(BaseModel):
    """Probability of each emotion, in [0, 1]; the seven sum to 1."""

    angry: Probability
    disgust: Probability
    fear: Probability
    happy: Probability
    neutral: Probability
    sad: Probability
    surprise: Probability

    @classmethod
    def of(cls, row: NDArray[np.float32]) -> Self:
        """Convert one row of `Faces.probabilities`, `(7,)`."""
        return cls(**{label: round(min(float(value), 1), 6) for label, value in zip(EMOTIONS, row, strict=True)})


class Boxes(BaseModel):
    """Boxes of the detected faces."""

    boxes: list[Box] = Field(description="one per face, the largest first; empty if no face is detected")


class Emotion(BaseModel):
    """Emotion of an image that is one face."""

    probabilities: Probabilities


class Face(BaseModel):
    """One detected face."""

    box: Box
    confidence: Probability = Field(description="the detector's confidence, in [0, 1]")
    landmarks: list[Point] | None = Field(
        default=None,
        description="five points: left eye, right eye, nose, left and right corner of the mouth, left and right as seen "
        "in the image; null if unknown",
    )
    label: Label = Field(description="the emotion with the highest probability")
    probabilities: Probabilities
    track_id: int | None = Field(default=None, description="ID of the same face over time; only in streams, else null")


class FaceTable(BaseModel):
    """All faces of one image."""

    width: int = Field(ge=1, description="width of the image in pixels, after rotation by its EXIF orientation")
    height: int = Field(ge=1, description="height of the image in pixels, after this rotation")
    faces: list[Face] = Field(description="the largest first; may be empty")


Result = Boxes | Emotion | FaceTable


class Refused(BaseModel):
    """Error of one image in a batch."""

    status: int = Field(description="status that `/infer` would respond with for this image: 413 or 415")
    detail: str = Field(description="one human-readable sentence")


class Batch(BaseModel):
    """Results of several images."""

    results: list[Boxes | Emotion | FaceTable | Refused] = Field(
        description="one per image, in the order of the request"
    )


class Health(BaseModel):
    """State and versions of the service."""

    status: Literal["ok"] = "ok"
    version: str = Field(description="version of the package")
    network_sha256: str = Field(description="SHA-256 of the emotion network's file")
    busy: int = Field(ge=0, description="images being processed or waiting, in this process")
    streams: int = Field(ge=0, description="open streams, in this process")


class StreamFace(Face):
    """A face in a stream, with smoothed `probabilities`."""

    raw_probabilities: Probabilities | None = Field(default=None, description="probabilities before smoothing")


class StreamResponse(BaseModel):
    """Response to one frame of a stream: its faces, or an error."""

    frame: int = Field(ge=0, description="index of the frame in this stream, from 0")
    faces: list[StreamFace] | None = None
    detail: str | None = Field(default=None, description="one sentence, if the frame was not processed")
    status: int | None = Field(
        default=None, description="status of the error, as `/infer` would respond with: 413, 415 or 503"
    )


class StreamSettings(BaseModel):
    """Settings of a stream, from its next frame on."""

    model_config = ConfigDict(extra="forbid")

    smoothing_s: float = Field(description="time constant of the probabilities in seconds; 0: off")


def list_boxes(faces: Faces) -> Boxes:
    """Convert faces to their boxes."""
    return Boxes(boxes=[one["xyxy"] for one in faces.to_records()])


def list_faces(faces: Faces) -> list[Face]:
    """Convert faces with probabilities to the faces of a response; columns that are `None` become null."""
    return [Face.model_validate(one) for one in _to_api_records(faces.with_columns(raw_probabilities=None))]


def list_stream_faces(faces: Faces) -> list[StreamFace]:
    """Convert faces with probabilities to the faces of a stream response, with `raw_probabilities` unless `None`."""
    return [StreamFace.model_validate(one) for one in _to_api_records(faces)]


def _to_api_records(faces: Faces) -> list[dict[str, Any]]:
    """Return `Faces.to_records` with the names of the API: `box` for `xyxy`, and probabilities by label."""
    if faces.probabilities is None:
        raise ValueError("`faces` must have probabilities, but got None")
    records = faces.to_records()
    for one in records:
        one["box"] = one.pop("xyxy")
        for name in one.keys() & {"probabilities", "raw_probabilities"}:
            one[name] = dict(zip(EMOTIONS, one[name], strict=True))
    return records
