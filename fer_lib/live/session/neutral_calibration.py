"""Neutral calibration: collect frames of a visitor's neutral face and estimate the logit offset."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fer_lib.faces import Faces
from fer_lib.live.session.messages import Message
from fer_lib.neutral_offset import Floats, estimate_offset

# Least share of the frames that show the same face and no other.
MIN_SHARE = 0.8
MIN_FRAMES = 3

DONE = "Calibrated to your neutral face."
NOT_NEEDED = "Your neutral face looks neutral already: no calibration is needed."
SEVERAL_FACES = "Not calibrated: several faces were in view. Try again with yours only."
NO_FACE = "Not calibrated: no face stayed in view. Face the camera and try again."
TOO_FEW_FRAMES = "Not calibrated: too few frames arrived. Try again."
STOPPED = "Not calibrated: the stream stopped before the end."


class NeutralCalibration:
    """Neutral calibration of one visitor.

    Attributes:
        duration_s: seconds for which frames are collected.
        is_running: whether frames are being collected.
        offset: `(7,)`, to be added to the logits; `None`: not calibrated. A new calibration replaces it when it
            is finished.
    """

    def __init__(self, duration_s: float) -> None:
        self.duration_s = duration_s
        self.is_running = False
        self.offset: Floats | None = None
        self._rows: list[Floats] = []
        self._track_ids: list[int] = []
        self._counts = Counter[str]()
        self._started_s: float | None = None
        self._left_s = duration_s

    def start(self) -> None:
        """Start collecting; frames collected earlier are dropped."""
        self.is_running = True
        self._rows, self._track_ids, self._counts = [], [], Counter()
        self._started_s, self._left_s = None, self.duration_s

    def clear(self) -> None:
        """Delete the offset, and stop collecting."""
        self.is_running = False
        self.offset = None

    def cancel(self, detail: str) -> Message | None:
        """Stop collecting and return the new state with `detail`; the former offset stays. `None` if not running."""
        if not self.is_running:
            return None
        self.is_running = False
        return self.describe(detail)

    def add(self, time_s: float, faces: Faces) -> Message | None:
        """Add the faces of a frame captured at `time_s` on the stream's clock; return the new state, `None` if not running."""
        if not self.is_running:
            return None
        if self._started_s is None:
            self._started_s = time_s
        self._collect(faces)
        self._left_s = self.duration_s - (time_s - self._started_s)
        return self.describe() if self._left_s > 0 else self._finish()

    def describe(self, detail: str = "") -> Message:
        """Return the state as a `calibration` message; `detail` is a sentence for the visitor, or empty."""
        left_s = round(max(self._left_s, 0.0), 2) if self.is_running else 0.0
        is_on = self.offset is not None
        return {"type": "calibration", "running": self.is_running, "on": is_on, "left_s": left_s, "detail": detail}

    def _collect(self, faces: Faces) -> None:
        # Unsmoothed and without the current offset, which would otherwise count twice.
        rows = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
        self._counts["several" if len(faces) > 1 else "one" if len(faces) else "none"] += 1
        if len(faces) == 1 and rows is not None and faces.track_id is not None:
            self._rows.append(rows[0])
            self._track_ids.append(int(faces.track_id[0]))

    def _finish(self) -> Message:
        self.is_running = False
        frames = self._counts.total()
        ((track_id, count),) = Counter(self._track_ids).most_common(1) or [(0, 0)]
        if frames < MIN_FRAMES:
            return self.describe(TOO_FEW_FRAMES)
        if count < MIN_SHARE * frames:
            several = self._counts["several"]
            return self.describe(SEVERAL_FACES if several > frames - count - several else NO_FACE)
        rows = [row for row, one in zip(self._rows, self._track_ids, strict=True) if one == track_id]
        offset = estimate_offset(np.stack(rows))
        self.offset = offset if offset.any() else None
        return self.describe(DONE if offset.any() else NOT_NEEDED)
