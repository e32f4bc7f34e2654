"""One visitor's session: messages come in, messages go out, and what the page does is known.

Nothing here knows about widgets or browsers, so all of it can be tried with plain dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from fer_lib.faces import Faces
from fer_lib.live.loading import Loader, StreamPipeline
from fer_lib.live.messages import Message, is_number
from fer_lib.live.states import LIVE, STATES
from fer_lib.live.frame_handler import Stream
from fer_lib.live.commands import Commands
from fer_lib.settings import LiveSettings, PageSettings, VisionSettings


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
        self._loader = Loader(load or _load_pipeline, vision)
        self._wishes = Commands(self.live, vision)
        self._stream = Stream(self._loader, self._wishes, self.live.max_frame_mb)
        self.recording = self._wishes.recording
        self._handlers: dict[str, Callable[[Message, Sequence[Any]], Message | None]] = {
            "frame": self._take_frame,
            "state": self._take_state,
            "stats": self._take_stats,
            **dict.fromkeys(self._wishes, self._take_wish),
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The values of `type` in the messages of a page."""
        return tuple(self._handlers)

    def prepare(self) -> None:
        """Begin to load the networks in the background, so that the page need not wait for them."""
        self._loader.start()

    def wait_until_loaded(self, timeout_s: float | None = None) -> bool:
        """Wait for the networks and return whether they are ready."""
        self._loader.start().join(timeout_s)
        return self._loader.pipeline is not None

    def answer(self, content: Any, buffers: Sequence[Any] = ()) -> Message | None:
        """Take one message of the page and return the answer it needs, if any; `buffers` in it are bytes to send.

        A message that makes no sense is counted in `errors` and never raises: a page must not be able to
        break its own loop. Where the visitor waits for an answer, a sentence says what is wrong.
        """
        kind = content.get("type") if isinstance(content, dict) else None
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            self.errors += 1
            return None
        return handler(content, buffers)

    def _take_frame(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        errors = self._stream.errors
        answer = self._stream.answer(content, buffers)
        self.errors += self._stream.errors - errors
        self._show_stream()
        return answer

    def _take_wish(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        try:
            return self._wishes.take(content)
        except (ValueError, RuntimeError) as error:
            self.errors += 1
            return {"type": "refused", "detail": str(error)}

    def _take_state(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        state = content.get("state")
        if not isinstance(state, str) or state not in STATES:
            self.errors += 1
            return None
        if state in ("waiting", "opening"):
            self._stream.restart()
            self._show_stream()
        self.detail = str(content.get("detail", ""))[:500]
        self.state = state
        return self._wishes.end() if state not in LIVE else None

    def _take_stats(self, content: Message, buffers: Sequence[Any]) -> None:
        names = ("results_per_s", "round_trip_ms", "frame_to_overlay_ms")
        if not all(is_number(content.get(name)) for name in names):
            self.errors += 1
            return
        for name in names:
            setattr(self, name, float(content[name]))

    def _show_stream(self) -> None:
        self.faces = self._stream.faces
        self.frames = self._stream.frames
        self.notice = getattr(self._loader.pipeline, "notice", "")


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
