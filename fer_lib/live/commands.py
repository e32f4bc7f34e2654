"""What the visitor wishes beside the stream: a recording and its files, another smoothing, a baseline, a check-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fer_lib.neutral_offset import Floats
from fer_lib.faces import Faces
from fer_lib.live.neutral_calibration import STOPPED, Calibration
from fer_lib.live.diagnostics import collect_diagnostics
from fer_lib.live.loading import StreamPipeline
from fer_lib.live.messages import Message, is_number
from fer_lib.live.recording import Recording
from fer_lib.settings import LiveSettings, VisionSettings

# Eileen Collins (NASA, public domain): the upper 400 rows of scikit-image's `astronaut`, 768 × 600.
DEMO = Path(__file__).parent / "demo.jpg"


class Commands:
    """The wishes of one visitor and what became of them.

    Attributes:
        recording: what the visitor recorded, in memory.
        calibration: their baseline, and how it is made.
        smoothing_s: time constant to use from the next frame on; `None` if nothing was wished since.
    """

    def __init__(self, live: LiveSettings, vision: VisionSettings | None) -> None:
        self.recording = Recording(live.max_recording_rows)
        self.calibration = Calibration(live.calibration_s)
        self.smoothing_s: float | None = None
        self._offset: Floats | None = None
        self._vision = vision
        self._takers: dict[str, Callable[[Message], Message | None]] = {
            "record": self._take_record,
            "forget": self._take_forget,
            "download": self._take_download,
            "adjust": self._take_adjust,
            "baseline": self._take_baseline,
            "examine": self._take_examine,
            "demo": self._take_demo,
        }

    def __iter__(self) -> Iterator[str]:
        """Iterate over the message types that are wishes."""
        return iter(self._takers)

    def take(self, content: Message) -> Message | None:
        """Take a message whose type is one of the wishes; return the answer, if there is any to give.

        Raises:
            ValueError: if it says something that is not allowed.
            RuntimeError: if it comes at a wrong moment.
        """
        return self._takers[content["type"]](content)

    def fulfil(self, pipeline: StreamPipeline) -> None:
        """Tell the pipeline before its next frame what was wished since the last one."""
        if self.smoothing_s is not None:
            pipeline.adjust(self.smoothing_s)
            self.smoothing_s = None
        if self.calibration.offset is not self._offset:
            pipeline.calibrate(self.calibration.offset)
            self._offset = self.calibration.offset

    def note(self, time_s: float, faces: Faces) -> Message:
        """Take a frame's faces into what was wished; return what there is to tell, by `recording` and `baseline`."""
        news: Message = {}
        if self.recording.add(time_s, faces):
            news["recording"] = self.recording.describe()
        if self.calibration.is_running:
            news["baseline"] = self.calibration.add(time_s, faces)
        return news

    def end(self) -> Message | None:
        """End what can't outlast the stream; return what there is to tell.

        Another stream counts its people anew, so that they must not get into the same recording.
        """
        news: Message = {}
        if self.recording.stop():
            news["recording"] = self.recording.describe()
        told = self.calibration.give_up(STOPPED)
        if told is not None:
            news["baseline"] = told
        return {"type": "news", **news} if news else None

    def _take_record(self, content: Message) -> Message:
        if _is_on(content):
            self.recording.start()
        else:
            self.recording.stop()
        return self.recording.describe()

    def _take_forget(self, content: Message) -> Message:
        self.recording.forget()
        return self.recording.describe()

    def _take_download(self, content: Message) -> Message:
        kind = content.get("kind")
        if not isinstance(kind, str):
            raise ValueError(f"`kind` must be csv or json, but got {kind!r:.50}")
        return {"type": "file", "kind": kind, "buffers": [self.recording.read(kind).encode()]}

    def _take_adjust(self, content: Message) -> None:
        smoothing_s = content.get("smoothing_s")
        if not is_number(smoothing_s):
            raise ValueError(f"`smoothing_s` must be a number of seconds, but got {smoothing_s!r:.50}")
        # Refused here, where the visitor sees it; used with the next frame, when the networks are there.
        self.smoothing_s = VisionSettings.validate_value("smoothing_s", smoothing_s)

    def _take_baseline(self, content: Message) -> Message:
        if _is_on(content):
            self.calibration.start()
        elif self.calibration.is_running:
            self.calibration.give_up("")
        else:
            self.calibration.forget()
        return self.calibration.describe()

    def _take_examine(self, content: Message) -> Message:
        return collect_diagnostics(self._vision)

    def _take_demo(self, content: Message) -> Message:
        return {"type": "demo", "buffers": [DEMO.read_bytes()]}


def _is_on(content: Message) -> bool:
    wanted = content.get("on")
    if not isinstance(wanted, bool):
        raise ValueError(f"`on` must be true or false, but got {wanted!r:.50}")
    return wanted
