"""The widget that shows the stream and draws what the kernel found in it."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets
from ipywebrtc.webrtc import MediaStream
from ipywidgets import widget_serialization

from fer_lib.labels import EMOTION_COLORS
from fer_lib.live.states import STATES
from fer_lib.settings import LiveSettings

FOLDER = Path(__file__).parent
# The page loads one module; it is written in five, each about one thing, and the last one uses the others.
SCRIPTS = ("stream.js", "overlay.js", "bars.js", "pace.js", "live_view.js")


class LiveView(anywidget.AnyWidget):
    """The live part of the page: video, overlay, bars, Start, Stop and the status line.

    It speaks in custom messages. It sends `frame` (with one JPEG), `state` and `stats`; it takes `faces`,
    `skipped`, `loading` and `broken` as answers to a frame, and `start` and `stop` as commands.

    Start, Stop, status and bars are drawn by the widget's own JavaScript and not by ipywidgets: the camera
    must go off at once even when the kernel is busy or dead, and the bars move with every result without
    a second message.

    Attributes:
        stream: where frames come from, a widget of ipywebrtc.
        options: the settings of the live page, by name.
        colors: the colour of each emotion, in the order of the network's outputs.
        sentences: what the status line says in each state.
    """

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = FOLDER / "live_view.css"

    stream = traitlets.Instance(MediaStream).tag(sync=True, **widget_serialization)
    options = traitlets.Dict().tag(sync=True)
    colors = traitlets.Dict(EMOTION_COLORS).tag(sync=True)
    sentences = traitlets.Dict(STATES).tag(sync=True)

    def __init__(self, stream: MediaStream, settings: LiveSettings | None = None) -> None:
        super().__init__(stream=stream, options=(settings or LiveSettings.load()).model_dump())

    def start(self) -> None:
        """Ask the page to open the stream, as if the visitor had pressed Start."""
        self.send({"type": "start"})

    def stop(self) -> None:
        """Ask the page to release the camera, as if the visitor had pressed Stop."""
        self.send({"type": "stop"})
