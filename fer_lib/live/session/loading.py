"""Load a pipeline in a background thread; the interface of pipelines that a session uses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from fer_lib.faces import Faces
from fer_lib.neutral_offset import Floats
from fer_lib.settings.vision import VisionSettings

logger = logging.getLogger(__name__)


class StreamPipeline(Protocol):
    """Interface of a pipeline as used by a session."""

    timings_ms: dict[str, float]

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Return the faces of one frame of the stream."""

    def reset(self) -> None:
        """Reset the state of the stream."""

    def adjust(self, smoothing_s: float) -> None:
        """Set the time constant of smoothing, in seconds."""

    def calibrate(self, offset: Floats | None) -> None:
        """Set the logit offset of every face, `(7,)`; `None`: no offset."""


Load = Callable[[VisionSettings | None], StreamPipeline]


class Loader:
    """Background loader of one pipeline.

    Attributes:
        pipeline: the pipeline; `None` until it is loaded.
        error: why loading failed; empty if it did not.
    """

    def __init__(self, load: Load, vision: VisionSettings | None) -> None:
        self.pipeline: StreamPipeline | None = None
        self.error = ""
        self._load, self._vision = load, vision
        self._thread: threading.Thread | None = None

    def start(self) -> threading.Thread:
        """Start loading on the first call; return the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="load-pipeline", daemon=True)
            self._thread.start()
        return self._thread

    def _run(self) -> None:
        try:
            self.pipeline = self._load(self._vision)
        # An exception in a thread reaches no caller; the visitor gets a `broken` message instead.
        except Exception as error:
            logger.warning("the networks could not be loaded: %s", error)
            self.error = str(error) or type(error).__name__
