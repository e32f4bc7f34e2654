"""What the visitor wishes beside the stream: a recording and its files, another smoothing, a check-up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fer_lib.live.checkup import examine_kernel
from fer_lib.live.messages import Message, is_number
from fer_lib.live.recording import Recording
from fer_lib.settings import LiveSettings, VisionSettings

# Eileen Collins (NASA, public domain): the upper 400 rows of scikit-image's `astronaut`, 768 × 600.
DEMO = Path(__file__).parent / "demo.jpg"


class Wishes:
    """The wishes of one visitor and what became of them.

    Attributes:
        recording: what the visitor recorded, in memory.
        smoothing_s: time constant to use from the next frame on; `None` if nothing was wished since.
    """

    def __init__(self, live: LiveSettings, vision: VisionSettings | None) -> None:
        self.recording = Recording(live.max_recording_rows)
        self.smoothing_s: float | None = None
        self._vision = vision
        self._takers: dict[str, Callable[[Message], Message | None]] = {
            "record": self._take_record,
            "forget": self._take_forget,
            "download": self._take_download,
            "adjust": self._take_adjust,
            "examine": self._take_examine,
            "demo": self._take_demo,
        }

    def __contains__(self, kind: object) -> bool:
        """Say whether a message of this type is a wish."""
        return isinstance(kind, str) and kind in self._takers

    def take(self, content: Message) -> Message | None:
        """Take a message whose type is one of the wishes; return the answer, if there is any to give.

        Raises:
            ValueError: if it says something that is not allowed.
            RuntimeError: if it comes at a wrong moment.
        """
        return self._takers[content["type"]](content)

    def _take_record(self, content: Message) -> Message:
        wanted = content.get("on")
        if not isinstance(wanted, bool):
            raise ValueError(f"`on` must be true or false, but got {wanted!r:.50}")
        if wanted:
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
        self.smoothing_s = VisionSettings.load(smoothing_s=smoothing_s).smoothing_s

    def _take_examine(self, content: Message) -> Message:
        return examine_kernel(self._vision)

    def _take_demo(self, content: Message) -> Message:
        return {"type": "demo", "buffers": [DEMO.read_bytes()]}
