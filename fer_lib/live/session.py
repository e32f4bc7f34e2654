"""One visitor's stream: frames come in as messages, faces go out as messages.

Nothing here knows about widgets or browsers, so all of it can be tried with plain dictionaries.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import traitlets

from fer_lib.faces import Faces
from fer_lib.live.clock import StreamClock
from fer_lib.live.messages import Message, describe_faces, is_number
from fer_lib.live.states import LIVE, STATES
from fer_lib.live.wishes import Wishes
from fer_lib.settings import LiveSettings, PageSettings, VisionSettings

# After so many failures in a row the fault is ours and not the frame's: the visitor must be told.
MAX_FAILURES = 30

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


class Session(traitlets.HasTraits):
    """A visitor's stream and what is known of it.

    Attributes:
        state: what the page is doing, one of `STATES`.
        detail: what the browser said about it, mostly empty.
        faces: what the last frame showed.
        frames: how many frames were answered with faces since the start.
        errors: how many messages were refused or failed since the page opened.
        results_per_s: results a second that reached the page.
        round_trip_ms: median time from sending a frame to its answer, as the page measures it.
        frame_to_overlay_ms: median time from a frame's arrival to its boxes on the screen.
        notice: who looks at the frames, if that is not simply this kernel.
        recording: what the visitor recorded, in memory.
    """

    state = traitlets.Unicode("ready")
    detail = traitlets.Unicode()
    faces = traitlets.Instance(Faces)
    notice = traitlets.Unicode()
    frames = traitlets.Int(0)
    errors = traitlets.Int(0)
    results_per_s = traitlets.Float(0.0)
    round_trip_ms = traitlets.Float(0.0)
    frame_to_overlay_ms = traitlets.Float(0.0)

    def __init__(
        self,
        vision: VisionSettings | None = None,
        live: LiveSettings | None = None,
        load: Callable[[VisionSettings | None], StreamPipeline] | None = None,
    ) -> None:
        super().__init__(faces=Faces.empty())
        self.vision = vision
        self.live = live or LiveSettings.load()
        self._load = load or _load_pipeline
        self._loader: threading.Thread | None = None
        self._pipeline: StreamPipeline | None = None
        self._fault = ""
        self._clock = StreamClock()
        self._failures = 0
        self._wishes = Wishes(self.live, vision)
        self.recording = self._wishes.recording

    def prepare(self) -> None:
        """Begin to load the networks in the background, so that the page need not wait for them."""
        if self._loader is None:
            self._loader = threading.Thread(target=self._load_now, name="load-pipeline", daemon=True)
            self._loader.start()

    def wait_until_loaded(self, timeout_s: float | None = None) -> bool:
        """Wait for the networks and return whether they are ready."""
        self.prepare()
        assert self._loader is not None
        self._loader.join(timeout_s)
        return self._pipeline is not None

    def answer(self, content: Any, buffers: Sequence[Any] = ()) -> Message | None:
        """Take one message of the page and return the answer it needs, if any; `buffers` in it are bytes to send.

        A message that makes no sense is counted in `errors` and never raises: a page must not be able to
        break its own loop. Where the visitor waits for an answer, a sentence says what is wrong.
        """
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "frame":
            return self._answer_frame(content, buffers)
        if kind == "state":
            return self._take_state(content)
        if kind == "stats":
            self._take_stats(content)
        elif kind in self._wishes:
            return self._take_wish(content)
        else:
            self.errors += 1
        return None

    def _answer_frame(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        number, time_s = content.get("id"), content.get("time_s", "")
        if type(number) is not int or not is_number(time_s):
            self.errors += 1
            return None
        self.prepare()
        if self._fault:
            return {"type": "broken", "id": number, "detail": self._fault}
        if self._pipeline is None:
            return {"type": "loading", "id": number}
        if self._clock.is_stale(float(time_s), time.monotonic()):
            return {"type": "skipped", "id": number}
        try:
            data = self._read_frame(buffers)
            if self._wishes.smoothing_s is not None:
                self._pipeline.adjust(self._wishes.smoothing_s)
                self._wishes.smoothing_s = None
            faces = self._pipeline.process_jpeg(data, self._clock.time_s)
            self.notice = getattr(self._pipeline, "notice", "")
            was_full = self.recording.add(self._clock.time_s, faces)
        # Whatever a frame does to the pipeline, the page gets its answer, or it would wait for it.
        except Exception as error:
            return self._answer_failure(number, error)
        self._failures = 0
        self.faces = faces
        self.frames += 1
        answer = {"type": "faces", "id": number, "faces": describe_faces(faces), "ms": _rounded(self._pipeline)}
        return answer | {"recording": self.recording.describe()} if was_full else answer

    def _take_wish(self, content: Message) -> Message | None:
        try:
            return self._wishes.take(content)
        except (ValueError, RuntimeError) as error:
            self.errors += 1
            return {"type": "refused", "detail": str(error)}

    def _read_frame(self, buffers: Sequence[Any]) -> bytes:
        if len(buffers) != 1:
            raise ValueError(f"a frame must come with one buffer, but got {len(buffers)}")
        size, limit = memoryview(buffers[0]).nbytes, self.live.max_frame_mb * 1e6
        if not 0 < size <= limit:
            raise ValueError(f"a frame must have 1 to {limit:.0f} bytes, but got {size}")
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

    def _take_state(self, content: Message) -> Message | None:
        state = content.get("state")
        if not isinstance(state, str) or state not in STATES:
            self.errors += 1
            return None
        if state in ("waiting", "opening"):
            self._restart()
        self.detail = str(content.get("detail", ""))[:500]
        self.state = state
        # Another stream counts its people anew, so that they must not get into the same recording.
        return self.recording.describe() if state not in LIVE and self.recording.stop() else None

    def _take_stats(self, content: Message) -> None:
        names = ("results_per_s", "round_trip_ms", "frame_to_overlay_ms")
        if not all(is_number(content.get(name)) for name in names):
            self.errors += 1
            return
        for name in names:
            setattr(self, name, float(content[name]))

    def _restart(self) -> None:
        self._clock = StreamClock()
        self._failures = 0
        self.frames = 0
        self.faces = Faces.empty()
        if self._pipeline is not None:
            self._pipeline.reset()

    def _load_now(self) -> None:
        try:
            self._pipeline = self._load(self.vision)
        # A thread has nobody to raise to: the visitor reads what is wrong instead.
        except Exception as error:
            logger.warning("the networks could not be loaded: %s", error)
            self._fault = str(error) or type(error).__name__


def _load_pipeline(vision: VisionSettings | None) -> StreamPipeline:
    page = PageSettings.load()
    if page.service_url is None:
        return _load_networks(vision)
    from fer_lib.live.fallback import FallbackPipeline

    return FallbackPipeline(vision or VisionSettings.load(), page, _load_networks)


def _load_networks(vision: VisionSettings | None) -> StreamPipeline:
    # Imported here, in the background: OpenCV and ONNX Runtime must not keep the page from appearing.
    from fer_lib.vision.pipeline import load_pipeline

    return load_pipeline(vision)


def _rounded(pipeline: StreamPipeline) -> dict[str, float]:
    return {name: round(value, 2) for name, value in pipeline.timings_ms.items()}
