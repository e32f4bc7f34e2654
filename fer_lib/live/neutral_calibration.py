"""A visitor's baseline: some seconds of a face at rest, and the offset that follows from them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fer_lib.neutral_offset import Floats, estimate_offset
from fer_lib.faces import Faces
from fer_lib.live.messages import Message

# So many of the frames must show the same face, and it alone.
LEAST_SHARE = 0.8
LEAST_FRAMES = 3

DONE = "Calibrated: what your face at rest shows by itself is taken off."
NOTHING = "Your face at rest looks neutral already: there is nothing to take off."
SEVERAL = "Not calibrated: several faces were in view. It takes one alone; try again."
NOBODY = "Not calibrated: no face stayed in view. Look at the camera and try again."
TOO_FEW = "Not calibrated: too few frames were seen. Try again."
STOPPED = "Not calibrated: the picture stopped before the end."


class Calibration:
    """The baseline of one visitor, and the frames of a face at rest while it is made.

    Attributes:
        duration_s: how long a face at rest is looked at.
        is_running: whether frames are looked at for it now.
        offset: `(7,)`, to be added to the logits; `None`: no baseline. One that is made anew replaces the old one
            at its end.
    """

    def __init__(self, duration_s: float) -> None:
        self.duration_s = duration_s
        self.is_running = False
        self.offset: Floats | None = None
        self._rows: list[Floats] = []
        self._tracks: list[int] = []
        self._counts = Counter[str]()
        self._started_s: float | None = None
        self._left_s = duration_s

    def start(self) -> None:
        """Begin to look; what was seen before does not count."""
        self.is_running = True
        self._rows, self._tracks, self._counts = [], [], Counter()
        self._started_s, self._left_s = None, self.duration_s

    def forget(self) -> None:
        """Have no baseline, and make none."""
        self.is_running = False
        self.offset = None

    def give_up(self, sentence: str) -> Message | None:
        """End one that is being made, and return what to tell of it; the baseline before it stays."""
        if not self.is_running:
            return None
        self.is_running = False
        return self.describe(sentence)

    def add(self, time_s: float, faces: Faces) -> Message | None:
        """Look at the faces of a frame taken at `time_s` on the stream's clock; return what to tell, if it is on."""
        if not self.is_running:
            return None
        if self._started_s is None:
            self._started_s = time_s
        self._note(faces)
        self._left_s = self.duration_s - (time_s - self._started_s)
        return self.describe() if self._left_s > 0 else self._finish()

    def describe(self, sentence: str = "") -> Message:
        """Return what the page tells: whether one is made or in use, the seconds left, and a sentence or nothing."""
        left_s = round(max(self._left_s, 0.0), 2) if self.is_running else 0.0
        is_on = self.offset is not None
        return {"type": "baseline", "running": self.is_running, "on": is_on, "left_s": left_s, "detail": sentence}

    def _note(self, faces: Faces) -> None:
        # What the network said, so that a baseline in use does not count twice.
        rows = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
        self._counts["several" if len(faces) > 1 else "one" if len(faces) else "nobody"] += 1
        if len(faces) == 1 and rows is not None and faces.track_id is not None:
            self._rows.append(rows[0])
            self._tracks.append(int(faces.track_id[0]))

    def _finish(self) -> Message:
        self.is_running = False
        frames = self._counts.total()
        ((track, times),) = Counter(self._tracks).most_common(1) or [(0, 0)]
        if frames < LEAST_FRAMES:
            return self.describe(TOO_FEW)
        if times < LEAST_SHARE * frames:
            return self.describe(
                SEVERAL if self._counts["several"] > frames - times - self._counts["several"] else NOBODY
            )
        rows = [row for row, one in zip(self._rows, self._tracks, strict=True) if one == track]
        offset = estimate_offset(np.stack(rows))
        self.offset = offset if offset.any() else None
        return self.describe(DONE if offset.any() else NOTHING)
