"""Commands of a visitor: recording, download, smoothing, neutral calibration, diagnostics, demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fer_lib.faces import Faces
from fer_lib.live.session.diagnostics import collect_diagnostics
from fer_lib.live.session.loading import StreamPipeline
from fer_lib.live.session.messages import Message, is_number
from fer_lib.live.session.neutral_calibration import STOPPED, NeutralCalibration
from fer_lib.live.session.recording import Recording
from fer_lib.neutral_offset import Floats
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.vision import VisionSettings

# Eileen Collins (NASA, public domain): the upper 400 rows of scikit-image's `astronaut`, 768 × 600.
DEMO = Path(__file__).parent / "demo.jpg"


class Commands:
    """Command handlers of one visitor and the state that they change.

    Attributes:
        recording: the visitor's recording, in memory.
        calibration: the visitor's neutral calibration.
        smoothing_s: time constant for the next frame on; `None` if unchanged since the last frame.
    """

    def __init__(self, live: LiveSettings, vision: VisionSettings | None) -> None:
        self.recording = Recording(live.max_recording_rows)
        self.calibration = NeutralCalibration(live.calibration_s)
        self.smoothing_s: float | None = None
        self._offset: Floats | None = None
        self._vision = vision
        self._handlers: dict[str, Callable[[Message], Message | None]] = {
            "record": self._handle_record,
            "delete_recording": self._handle_delete_recording,
            "download": self._handle_download,
            "adjust": self._handle_adjust,
            "calibrate": self._handle_calibrate,
            "diagnose": self._handle_diagnose,
            "demo": self._handle_demo,
        }

    def __iter__(self) -> Iterator[str]:
        """Iterate over the message kinds that are commands."""
        return iter(self._handlers)

    def handle(self, content: Message) -> Message | None:
        """Handle a message whose `type` is a command; return the reply, if it has one.

        Raises:
            ValueError: if a field has an invalid value.
            RuntimeError: if the command is not possible now.
        """
        return self._handlers[content["type"]](content)

    def apply_to(self, pipeline: StreamPipeline) -> None:
        """Apply a changed smoothing or calibration to the pipeline, before its next frame."""
        if self.smoothing_s is not None:
            pipeline.adjust(self.smoothing_s)
            self.smoothing_s = None
        if self.calibration.offset is not self._offset:
            pipeline.calibrate(self.calibration.offset)
            self._offset = self.calibration.offset

    def observe(self, time_s: float, faces: Faces) -> Message:
        """Add the faces of a frame to a recording and a calibration that are running; return their changed states.

        Returns:
            `recording` when it was stopped because it is full, `calibration` while it is running.
        """
        update: Message = {}
        if self.recording.add(time_s, faces):
            update["recording"] = self.recording.describe()
        if self.calibration.is_running:
            update["calibration"] = self.calibration.add(time_s, faces)
        return update

    def end_stream(self) -> Message | None:
        """Stop a running recording and calibration; return an `update` message, or `None` if neither was running.

        Track ids start again with the next stream, so that two streams must not share a recording.
        """
        update: Message = {}
        if self.recording.stop():
            update["recording"] = self.recording.describe()
        state = self.calibration.cancel(STOPPED)
        if state is not None:
            update["calibration"] = state
        return {"type": "update", **update} if update else None

    def _handle_record(self, content: Message) -> Message:
        if _parse_on(content):
            self.recording.start()
        else:
            self.recording.stop()
        return self.recording.describe()

    def _handle_delete_recording(self, content: Message) -> Message:
        self.recording.clear()
        return self.recording.describe()

    def _handle_download(self, content: Message) -> Message:
        kind = content.get("kind")
        if not isinstance(kind, str):
            raise ValueError(f"`kind` must be csv or json, but got {kind!r:.50}")
        return {"type": "file", "kind": kind, "buffers": [self.recording.read(kind).encode()]}

    def _handle_adjust(self, content: Message) -> None:
        smoothing_s = content.get("smoothing_s")
        if not is_number(smoothing_s):
            raise ValueError(f"`smoothing_s` must be a number of seconds, but got {smoothing_s!r:.50}")
        # Validated here, where the visitor sees the error; applied with the next frame.
        self.smoothing_s = VisionSettings.validate_value("smoothing_s", smoothing_s)

    def _handle_calibrate(self, content: Message) -> Message:
        if _parse_on(content):
            self.calibration.start()
        elif self.calibration.is_running:
            self.calibration.cancel("")
        else:
            self.calibration.clear()
        return self.calibration.describe()

    def _handle_diagnose(self, content: Message) -> Message:
        return collect_diagnostics(self._vision)

    def _handle_demo(self, content: Message) -> Message:
        return {"type": "demo", "buffers": [DEMO.read_bytes()]}


def _parse_on(content: Message) -> bool:
    on = content.get("on")
    if not isinstance(on, bool):
        raise ValueError(f"`on` must be true or false, but got {on!r:.50}")
    return on
