"""Pipelines of pages that use a service, over the fake engine, and a fake local pipeline."""

import time
from collections.abc import Callable

import numpy as np

from fer_lib.faces import Faces
from fer_lib.live.session.fallback import LOCAL_NOTICE, REMOTE_NOTICE, FallbackPipeline
from fer_lib.settings import RemoteSettings, VisionSettings

OFFSET = np.array([0, 0, 0, -2, 0, 0, 0], np.float32)  # lowers "happy"
GONE, FULL = LOCAL_NOTICE.format(state="unreachable"), LOCAL_NOTICE.format(state="full")


class FakeLocal:
    """The kernel's local pipeline: one face with `track_id` 1."""

    def __init__(self, vision: VisionSettings) -> None:
        self.timings_ms = {"detect": 1.0, "total": 1.5}
        self.smoothings = [vision.smoothing_s]
        self.offsets: list[object] = []
        self.resets = 0

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        return Faces(
            xyxy=[[1, 2, 30, 40]], confidence=[0.9], probabilities=np.full((1, 7), 1 / 7), track_id=np.array([1])
        )

    def adjust(self, smoothing_s: float) -> None:
        self.smoothings.append(smoothing_s)

    def calibrate(self, offset: np.ndarray | None) -> None:
        self.offsets.append(None if offset is None else offset.tolist())

    def reset(self) -> None:
        self.resets += 1


def record_loads(made: list[FakeLocal]) -> Callable[[VisionSettings], FakeLocal]:
    """Return a loader of local pipelines that appends each to `made`."""

    def load(vision: VisionSettings) -> FakeLocal:
        made.append(FakeLocal(vision))
        return made[-1]

    return load


def remote_settings(url: str, **settings: object) -> RemoteSettings:
    return RemoteSettings(url=url, **settings)


def open_pipeline(url: str, **settings: object) -> FallbackPipeline:
    return FallbackPipeline(VisionSettings(smoothing_s=0.3), remote_settings(url, **settings), FakeLocal)


def track_ids(faces: Faces) -> list[int]:
    return faces.track_id.tolist()


def process_until_at_service(pipeline: FallbackPipeline, data: bytes, time_s: float) -> Faces:
    """Process a frame repeatedly until the service has processed it, and return its faces."""
    end_s = time.monotonic() + 60
    while True:
        faces = pipeline.process_jpeg(data, time_s)
        if pipeline.notice == REMOTE_NOTICE:
            return faces
        assert time.monotonic() < end_s
        time.sleep(0.02)
