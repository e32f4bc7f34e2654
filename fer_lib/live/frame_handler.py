"""One stream of frames: each becomes faces, or a word that says why not."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from fer_lib.faces import Faces
from fer_lib.live.clock import StreamClock
from fer_lib.live.loading import Loader, StreamPipeline
from fer_lib.live.messages import Message, describe_faces, is_number
from fer_lib.live.commands import Commands

# After so many failures in a row the fault is ours and not the frame's: the visitor must be told.
MAX_FAILURES = 30

logger = logging.getLogger(__name__)


class Stream:
    """The frames of one visitor, one after the other.

    Attributes:
        faces: what the last frame showed.
        frames: how many frames were answered with faces since the start.
        errors: how many frames were refused or failed.
    """

    def __init__(self, loader: Loader, wishes: Commands, max_frame_mb: float) -> None:
        self.errors = 0
        self._loader, self._wishes = loader, wishes
        self._limit = max_frame_mb * 1e6
        self.restart()

    def restart(self) -> None:
        """Forget the stream: another one begins."""
        self.frames = 0
        self.faces = Faces.empty()
        self._clock = StreamClock()
        self._failures = 0
        if self._loader.pipeline is not None:
            self._loader.pipeline.reset()

    def answer(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        """Look at one frame and return the answer; `None` where the message makes no sense."""
        number, time_s = content.get("id"), content.get("time_s", "")
        if type(number) is not int or not is_number(time_s):
            self.errors += 1
            return None
        self._loader.start()
        if self._loader.fault:
            return {"type": "broken", "id": number, "detail": self._loader.fault}
        if self._loader.pipeline is None:
            return {"type": "loading", "id": number}
        if self._clock.is_stale(float(time_s), time.monotonic()):
            return {"type": "skipped", "id": number}
        try:
            return {"type": "faces", "id": number, **self._look(self._loader.pipeline, buffers)}
        # Whatever a frame does to the pipeline, the page gets its answer, or it would wait for it.
        except Exception as error:
            return self._answer_failure(number, error)

    def _look(self, pipeline: StreamPipeline, buffers: Sequence[Any]) -> Message:
        data = self._read(buffers)
        self._wishes.fulfil(pipeline)
        faces = pipeline.process_jpeg(data, self._clock.time_s)
        news = self._wishes.note(self._clock.time_s, faces)
        self._failures = 0
        self.faces = faces
        self.frames += 1
        ms = {name: round(value, 2) for name, value in pipeline.timings_ms.items()}
        return {"faces": describe_faces(faces), "ms": ms, **news}

    def _read(self, buffers: Sequence[Any]) -> bytes:
        if len(buffers) != 1:
            raise ValueError(f"a frame must come with one buffer, but got {len(buffers)}")
        size = memoryview(buffers[0]).nbytes
        if not 0 < size <= self._limit:
            raise ValueError(f"a frame must have 1 to {self._limit:.0f} bytes, but got {size}")
        return bytes(buffers[0])

    def _answer_failure(self, number: int, error: Exception) -> Message:
        self.errors += 1
        self._failures += 1
        if self._failures == 1:
            logger.warning("a frame could not be read: %s", error)
        if self._failures < MAX_FAILURES:
            return {"type": "skipped", "id": number}
        self._failures = 0
        return {"type": "broken", "id": number, "detail": str(error)}
