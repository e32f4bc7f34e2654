"""What a session needs of a pipeline, and how it comes: in the background, while the page appears."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from fer_lib.neutral_offset import Floats
from fer_lib.faces import Faces
from fer_lib.settings import VisionSettings

logger = logging.getLogger(__name__)


class StreamPipeline(Protocol):
    """What a session needs of a pipeline."""

    timings_ms: dict[str, float]

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Find the faces of one frame of the stream."""

    def reset(self) -> None:
        """Forget the stream."""

    def adjust(self, smoothing_s: float) -> None:
        """Smooth the probabilities with another time constant."""

    def calibrate(self, offset: Floats | None) -> None:
        """Add an offset to the logits of every face."""


Load = Callable[[VisionSettings | None], StreamPipeline]


class Loader:
    """A pipeline that is being loaded, once.

    Attributes:
        pipeline: the pipeline; `None` while it is not there.
        fault: why it will not come; empty if nothing is wrong.
    """

    def __init__(self, load: Load, vision: VisionSettings | None) -> None:
        self.pipeline: StreamPipeline | None = None
        self.fault = ""
        self._load, self._vision = load, vision
        self._thread: threading.Thread | None = None

    def start(self) -> threading.Thread:
        """Begin to load, if nobody has; return the thread that does it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._load_now, name="load-pipeline", daemon=True)
            self._thread.start()
        return self._thread

    def _load_now(self) -> None:
        try:
            self.pipeline = self._load(self._vision)
        # A thread has nobody to raise to: the visitor reads what is wrong instead.
        except Exception as error:
            logger.warning("the networks could not be loaded: %s", error)
            self.fault = str(error) or type(error).__name__
