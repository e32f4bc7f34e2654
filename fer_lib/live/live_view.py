"""The widget that shows the stream and draws what the kernel found in it."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets
from ipywebrtc.webrtc import MediaStream
from ipywidgets import widget_serialization

from fer_lib.labels import EMOTION_COLORS
from fer_lib.live.server.message_history import limit_message_history
from fer_lib.live.states import STATES
from fer_lib.settings import LiveSettings, VisionSettings

FOLDER = Path(__file__).parent
# The page loads one module; it is written in several, each about one thing, and the last one uses the others.
SCRIPTS = (
    "layout.js",
    "stream.js",
    "substitutes.js",
    "overlay.js",
    "certainty.js",
    "bars.js",
    "timeline.js",
    "following.js",
    "showing.js",
    "flight.js",
    "pace.js",
    "frames.js",
    "loop.js",
    "link.js",
    "status.js",
    "choices.js",
    "files.js",
    "strip.js",
    "recorder.js",
    "clip.js",
    "baseline.js",
    "doctor.js",
    "tools.js",
    "sources.js",
    "cameras.js",
    "live_view.js",
)
STYLES = ("live_view.css", "tools.css")


class LiveView(anywidget.AnyWidget):
    """The live part of the page: video, overlay, bars, Start, Stop and the status line.

    It speaks in the custom messages of `fer_lib.live.messages`.

    Buttons, sliders, status and bars are drawn by the widget's own JavaScript and not by ipywidgets: the camera
    must go off at once even when the kernel is busy or dead, the bars move with every result without a second
    message, and what the visitor chose is remembered by the browser.

    Attributes:
        stream: where frames come from, a widget of ipywebrtc.
        options: the settings of the live page and `smoothing_s`, by name.
        colors: the colour of each emotion, in the order of the network's outputs.
        sentences: what the status line says in each state.
    """

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)

    stream = traitlets.Instance(MediaStream).tag(sync=True, **widget_serialization)
    options = traitlets.Dict().tag(sync=True)
    colors = traitlets.Dict(EMOTION_COLORS).tag(sync=True)
    sentences = traitlets.Dict(STATES).tag(sync=True)

    def __init__(
        self, stream: MediaStream, settings: LiveSettings | None = None, smoothing_s: float | None = None
    ) -> None:
        options = (settings or LiveSettings.load()).model_dump()
        options["smoothing_s"] = VisionSettings.load(smoothing_s=smoothing_s).smoothing_s
        super().__init__(stream=stream, options=options)
        limit_message_history()

    def start(self) -> None:
        """Ask the page to open the stream, as if the visitor had pressed Start."""
        self.send({"type": "start"})

    def stop(self) -> None:
        """Ask the page to release the camera, as if the visitor had pressed Stop."""
        self.send({"type": "stop"})
