"""Frames of one stream: run the pipeline on each and build the reply."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from fer_lib.faces import Faces
from fer_lib.live.session.clock import StreamClock
from fer_lib.live.session.commands import Commands
from fer_lib.live.session.loading import Loader, StreamPipeline
from fer_lib.live.session.messages import Message, is_number

# After so many consecutive failures the frames are not the cause, and the page gets a `broken` message.
MAX_FAILURES = 30

logger = logging.getLogger(__name__)


class FrameHandler:
    """Handler of the frames of one visitor, one at a time.

    Attributes:
        faces: faces of the last processed frame.
        frames: processed frames since the start of the stream.
        errors: frames that were invalid or failed.
    """

    def __init__(self, loader: Loader, commands: Commands, max_frame_mb: float) -> None:
        self.errors = 0
        self._loader, self._commands = loader, commands
        self._max_bytes = max_frame_mb * 1e6
        self.restart()

    def restart(self) -> None:
        """Reset clock, counters and pipeline for a new stream."""
        self.frames = 0
        self.faces = Faces.empty()
        self._clock = StreamClock()
        self._failures = 0
        if self._loader.pipeline is not None:
            self._loader.pipeline.reset()

    def handle(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        """Process one frame and return the reply; `None` if the message is invalid."""
        frame_id, time_s = content.get("id"), content.get("time_s", "")
        if type(frame_id) is not int or not is_number(time_s):
            self.errors += 1
            return None
        self._loader.start()
        if self._loader.error:
            return {"type": "broken", "id": frame_id, "detail": self._loader.error}
        if self._loader.pipeline is None:
            return {"type": "loading", "id": frame_id}
        if self._clock.is_stale(float(time_s), time.monotonic()):
            return {"type": "skipped", "id": frame_id}
        try:
            return {"type": "faces", "id": frame_id, **self._process(self._loader.pipeline, buffers)}
        # The page counts a frame as in flight until its reply.
        except Exception as error:
            return self._handle_failure(frame_id, error)

    def _process(self, pipeline: StreamPipeline, buffers: Sequence[Any]) -> Message:
        data = self._read(buffers)
        self._commands.apply_to(pipeline)
        faces = pipeline.process_jpeg(data, self._clock.time_s)
        update = self._commands.observe(self._clock.time_s, faces)
        self._failures = 0
        self.faces = faces
        self.frames += 1
        ms = {stage: round(value, 2) for stage, value in pipeline.timings_ms.items()}
        # The page uses neither landmarks nor unsmoothed probabilities.
        records = faces.with_columns(landmarks=None, raw_probabilities=None).to_records()
        return {"faces": records, "ms": ms, **update}

    def _read(self, buffers: Sequence[Any]) -> bytes:
        if len(buffers) != 1:
            raise ValueError(f"a frame must come with one buffer, but got {len(buffers)}")
        size = memoryview(buffers[0]).nbytes
        if not 0 < size <= self._max_bytes:
            raise ValueError(f"a frame must have 1 to {self._max_bytes:.0f} bytes, but got {size}")
        return bytes(buffers[0])

    def _handle_failure(self, frame_id: int, error: Exception) -> Message:
        self.errors += 1
        self._failures += 1
        if self._failures == 1:
            logger.warning("a frame could not be processed: %s", error)
        if self._failures < MAX_FAILURES:
            return {"type": "skipped", "id": frame_id}
        self._failures = 0
        return {"type": "broken", "id": frame_id, "detail": str(error)}
