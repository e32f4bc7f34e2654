"""The shapes of answers: a contract with those who call."""

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
    return Boxes(boxes=[one["xyxy"] for one in faces.to_records()])


def list_faces(faces: Faces) -> list[Face]:
    """Return all that is known of the faces; `probabilities` must be known."""
    return [Face.model_validate(one) for one in _to_api_records(faces.with_columns(raw_probabilities=None))]


def list_stream_faces(faces: Faces) -> list[StreamFace]:
    """Return the same for a stream, with `raw_probabilities` if they are known."""
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
