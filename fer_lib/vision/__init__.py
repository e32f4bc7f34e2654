"""Computer vision of frames, photos and videos: face detection, emotion recognition, tracking, smoothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_lib.vision.media.annotation import annotate_photo, annotate_video
    from fer_lib.vision.media.video import read_frames
    from fer_lib.vision.mtcnn.detection import Detector
    from fer_lib.vision.pipeline import Pipeline, load_pipeline

__all__ = ["Detector", "Pipeline", "annotate_photo", "annotate_video", "load_pipeline", "read_frames"]

# Module of each public name. Names are imported on first access, so that importing the package is cheap.
_MODULES = {
    "Detector": "mtcnn.detection",
    "Pipeline": "pipeline",
    "annotate_photo": "media.annotation",
    "annotate_video": "media.annotation",
    "load_pipeline": "pipeline",
    "read_frames": "media.video",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
