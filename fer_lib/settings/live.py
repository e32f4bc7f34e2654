"""Settings of the live page's behaviour."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings


class LiveSettings(Settings):
    """Behaviour of the live page: capture, flow control of frames, display, recording."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    capture_width: int = Field(640, ge=160, le=3840, description="width of captured frames, in pixels")
    jpeg_quality: float = Field(0.8, ge=0.1, le=1, description="JPEG quality of captured frames")
    max_in_flight: int = Field(2, ge=1, le=8, description="in-flight window: frames sent whose result is outstanding")
    target_rate: float = Field(30, ge=1, le=120, description="target of results per second")
    demo_first: bool = Field(False, description="start with the demo image instead of the camera")
    mirror: bool = Field(True, description="mirror the displayed camera image")
    uncertain_below: float = Field(
        0.5,
        ge=0,
        le=0.95,
        description="top-1 probability below which the page shows uncertain instead of a label; 0: never",
    )
    calibration_s: float = Field(
        5, ge=1, le=60, description="seconds of a visitor's neutral face that the neutral calibration uses"
    )
    max_clip_s: float = Field(
        600, ge=1, le=7200, description="longest annotated clip, in seconds; the browser keeps it until it is saved"
    )
    max_recording_rows: int = Field(
        100_000, ge=1, le=1_000_000, description="rows of a recording kept in memory, about an hour of one face"
    )
    frame_timeout_s: float = Field(
        2, ge=0.1, le=60, description="seconds without a result after which a frame counts as lost"
    )
    kernel_timeout_s: float = Field(
        8, ge=1, le=600, description="seconds without any message after which the kernel counts as disconnected"
    )
    max_frame_mb: float = Field(8, gt=0, le=64, description="largest frame accepted, in megabytes (10^6 bytes)")
