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
    "dom/layout.js",
    "camera/ipywebrtc_source.js",
    "camera/jpeg_encoder.js",
    "camera/media_file.js",
    "camera/demo.js",
    "results/overlay.js",
    "results/uncertainty.js",
    "results/bars.js",
    "results/timeline.js",
    "results/face_selection.js",
    "results/results_view.js",
    "transport/in_flight.js",
    "transport/throughput.js",
    "camera/frame_reader.js",
    "transport/frame_loop.js",
    "transport/kernel_connection.js",
    "dom/status.js",
    "tools/preferences.js",
    "tools/downloads.js",
    "results/emotion_strip.js",
    "tools/recording_panel.js",
    "tools/video_clip.js",
    "tools/neutral_calibration.js",
    "tools/diagnostics.js",
    "tools/toolbar.js",
    "tools/source_picker.js",
    "camera/camera_list.js",
    "live_view.js",
)
STYLES = ("live_view.css", "tools.css")


class LiveView(anywidget.AnyWidget):
    """Live view: video, overlay, bars, Start, Stop, tools and the status line.

    It exchanges the custom messages of `fer_lib.live.session.messages`.

    Buttons, sliders, status and bars are part of the widget's JavaScript instead of ipywidgets: the camera must be
    released at once even when the kernel is busy or dead, the bars are updated with every result without a second
    message, and preferences are stored in the browser.

    Attributes:
        stream: source of frames, a widget of ipywebrtc.
        options: the settings of the live page and `smoothing_s`, by name.
    """

    _esm = "\n".join((FOLDER / "scripts" / name).read_text(encoding="utf-8") for name in SCRIPTS)
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
