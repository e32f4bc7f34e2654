"""Settings of the pipeline: detection, recognition, tracking, smoothing."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings


class VisionSettings(Settings):
    """Pipeline of images and streams: detection, recognition, tracking, smoothing."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    weights_dir: Path | None = Field(None, description="folder of the weights; empty: the project's own")
    threads: int = Field(1, ge=1, le=64, description="threads that ONNX Runtime uses in one run of a network")
    min_face_size: int = Field(
        60,
        ge=12,
        le=1000,
        description="smallest face detected, in pixels of a frame whose longer side is 640 (larger frames are reduced to that)",
    )
    pyramid_factor: float = Field(0.5, gt=0.1, lt=0.95, description="factor between the scales of the image pyramid")
    proposal_threshold: float = Field(0.6, gt=0, lt=1, description="confidence threshold of P-Net (proposals)")
    refine_threshold: float = Field(0.7, gt=0, lt=1, description="confidence threshold of R-Net (refined boxes)")
    output_threshold: float = Field(0.8, gt=0, lt=1, description="confidence threshold of O-Net (faces)")
    max_pixels: int = Field(
        50_000_000, ge=1000, le=1_000_000_000, description="largest image or video frame that is decoded, in pixels"
    )
    max_faces: int = Field(16, ge=1, le=200, description="faces reported per frame, the largest first")
    detect_interval_s: float = Field(
        0.5, ge=0, le=60, description="seconds between full detections while faces are tracked; 0: every frame"
    )
    search_interval_s: float = Field(
        0.1, ge=0, le=60, description="seconds between full detections while no face is tracked"
    )
    retry_interval_s: float = Field(
        0.1, ge=0, le=1, description="least seconds between full detections caused by lost tracks; 0: every frame"
    )
    follow_threshold: float = Field(
        0.7, gt=0, lt=1, description="O-Net confidence below which a tracked face counts as lost"
    )
    cache_difference: float = Field(
        1.5,
        ge=0,
        le=255,
        description="mean change of a crop, in grey levels, below which its cached probabilities are reused; 0: never",
    )
    cache_max_age_s: float = Field(0.25, ge=0, le=60, description="longest age of cached probabilities, in seconds")
    recognize_interval_s: float = Field(
        0.08, ge=0, le=60, description="least seconds between two classifications of one face; 0: every frame"
    )
    recognize_at_once: int = Field(
        1,
        ge=1,
        le=200,
        description="classifications per frame of faces classified before (round robin); new faces are always classified",
    )
    follow_at_once: int = Field(
        2,
        ge=1,
        le=200,
        description="tracked faces confirmed by O-Net per frame (round robin); the boxes of the others are extrapolated",
    )
    track_overlap: float = Field(0.3, gt=0, lt=1, description="IoU from which two boxes belong to the same track")
    track_timeout_s: float = Field(0.7, ge=0, le=60, description="seconds without detection after which a track ends")
    smoothing_s: float = Field(
        0.25, ge=0, le=60, description="time constant of the smoothing of probabilities, in seconds; 0: off"
    )
    box_smoothing_s: float = Field(
        0.15,
        ge=0,
        le=60,
        description="time constant of the smoothing of the box of a still face, in seconds; less for a moving one; 0: off",
    )
