"""Session of one visitor: handle the page's messages and track the page's state.

Imports neither widgets nor a server: messages are plain dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from fer_lib.faces import Faces
from fer_lib.live.session.commands import Commands
from fer_lib.live.session.frame_handler import FrameHandler
from fer_lib.live.session.loading import Loader, StreamPipeline
from fer_lib.live.session.message_history import limit_message_history
from fer_lib.live.session.messages import PAGE_MESSAGES, Message, is_number
from fer_lib.live.session.states import OPENING_STATES, STATES, STREAMING_STATES
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.vision import VisionSettings

MAX_DETAIL = 500  # characters


class Session(traitlets.HasTraits):
    """Stream and page state of one visitor.

    Attributes:
        state: state of the page, one of `STATES`.
        detail: the browser's message for that state, mostly empty.
        faces: faces of the last processed frame.
        frames: processed frames since the start of the stream.
        errors: number of messages that were invalid or failed since the page opened.
        results_per_s: results per second, as measured by the page.
        round_trip_ms: median time from sending a frame to its reply, as measured by the page.
        frame_to_overlay_ms: median time from a frame's capture to its boxes on the screen.
        notice: where the networks run; empty if in this kernel.
        recording: the visitor's recording, in memory.
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
        self._commands = Commands(self.live, vision)
        self._frame_handler = FrameHandler(self._loader, self._commands, self.live.max_frame_mb)
        self.recording = self._commands.recording
        self._handlers: dict[str, Callable[[Message, Sequence[Any]], Message | None]] = {
            "frame": self._handle_frame,
            "state": self._handle_state,
            "stats": self._handle_stats,
            **dict.fromkeys(self._commands, self._handle_command),
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The message kinds that have a handler."""
        return tuple(self._handlers)

    def prepare(self) -> None:
        """Limit the kernel's message history and start loading the networks in the background."""
        limit_message_history()
        self._loader.start()

    def wait_until_loaded(self, timeout_s: float | None = None) -> bool:
        """Wait for the networks and return whether they are loaded."""
        self._loader.start().join(timeout_s)
        return self._loader.pipeline is not None

    def handle_message(self, content: Any, buffers: Sequence[Any] = ()) -> Message | None:
        """Handle one message of the page and return the reply, if it has one; its `buffers` are binary.

        Invalid messages are counted in `errors` and never raise; an invalid command gets a `refused` reply.
        """
        kind = content.get("type") if isinstance(content, dict) else None
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            self.errors += 1
            return None
        return handler(content, buffers)

    def _handle_frame(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        errors = self._frame_handler.errors
        reply = self._frame_handler.handle(content, buffers)
        self.errors += self._frame_handler.errors - errors
        self._update_traits()
        return reply

    def _handle_command(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        try:
            return self._commands.handle(content)
        except (ValueError, RuntimeError) as error:
            self.errors += 1
            return {"type": "refused", "detail": str(error)}

    def _handle_state(self, content: Message, buffers: Sequence[Any]) -> Message | None:
        state = content.get("state")
        if not isinstance(state, str) or state not in STATES:
            self.errors += 1
            return None
        if state in OPENING_STATES:
            self._frame_handler.restart()
            self._update_traits()
        self.detail = str(content.get("detail", ""))[:MAX_DETAIL]
        self.state = state
        return None if state in STREAMING_STATES else self._commands.end_stream()

    def _handle_stats(self, content: Message, buffers: Sequence[Any]) -> None:
        names = PAGE_MESSAGES["stats"]
        if not all(is_number(content.get(name)) for name in names):
            self.errors += 1
            return
        for name in names:
            setattr(self, name, float(content[name]))

    def _update_traits(self) -> None:
        self.faces = self._frame_handler.faces
        self.frames = self._frame_handler.frames
        self.notice = getattr(self._loader.pipeline, "notice", "")


def _load_pipeline(vision: VisionSettings | None) -> StreamPipeline:
    remote = RemoteSettings.load()
    if remote.url is None:
        return _load_networks(vision)
    from fer_lib.live.session.fallback import FallbackPipeline

    return FallbackPipeline(vision or VisionSettings.load(), remote, _load_networks)


def _load_networks(vision: VisionSettings | None) -> StreamPipeline:
    # Imported in the background thread, so that OpenCV and ONNX Runtime do not delay the page.
    from fer_lib.vision.pipeline import load_pipeline

    return load_pipeline(vision)
