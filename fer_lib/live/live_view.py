"""Widget of the live view: stream, overlay, bars and tools."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets
from ipywebrtc.webrtc import MediaStream
from ipywidgets import widget_serialization

from fer_lib.settings.live import LiveSettings
from fer_lib.settings.vision import VisionSettings

FOLDER = Path(__file__).parent
# Joined into one module, in this order.
SCRIPTS = (
    "protocol_constants.js",
    "layout.js",
    "ipywebrtc_source.js",
    "jpeg_encoder.js",
    "media_file.js",
    "demo.js",
    "overlay.js",
    "uncertainty.js",
    "bars.js",
    "timeline.js",
    "face_selection.js",
    "results_view.js",
    "in_flight.js",
    "throughput.js",
    "frame_reader.js",
    "frame_loop.js",
    "kernel_connection.js",
    "status.js",
    "preferences.js",
    "downloads.js",
    "emotion_strip.js",
    "recording_panel.js",
    "video_clip.js",
    "neutral_calibration.js",
    "diagnostics.js",
    "tools.js",
    "source_picker.js",
    "camera_list.js",
    "live_view.js",
)
STYLES = ("live_view.css", "tools.css")


class LiveView(anywidget.AnyWidget):
    """Live view: video, overlay, bars, Start, Stop, tools and the status line.

    It exchanges the custom messages of `fer_lib.live.messages`.

    Buttons, sliders, status and bars belong to the widget's JavaScript and not to ipywidgets: the camera must be
    released at once even when the kernel is busy or dead, the bars follow every result without a second message, and
    preferences are kept in the browser.

    Attributes:
        stream: source of frames, a widget of ipywebrtc.
        options: the settings of the live page and `smoothing_s`, by name.
    """

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)

    stream = traitlets.Instance(MediaStream).tag(sync=True, **widget_serialization)
    options = traitlets.Dict().tag(sync=True)

    def __init__(
        self, stream: MediaStream, settings: LiveSettings | None = None, smoothing_s: float | None = None
    ) -> None:
        options = (settings or LiveSettings.load()).model_dump()
        options["smoothing_s"] = VisionSettings.load(smoothing_s=smoothing_s).smoothing_s
        super().__init__(stream=stream, options=options)

    def start(self) -> None:
        """Start the stream, as the Start button does."""
        self.send({"type": "start"})

    def stop(self) -> None:
        """Stop the stream and release the camera, as the Stop button does."""
        self.send({"type": "stop"})
