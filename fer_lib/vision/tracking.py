"""Faces get numbers: the same face keeps the same `track_id` over time.

Each track predicts where its face is now, at a steady pace, and the best pairs of track and face are
taken first: a simple cousin of SORT (Bewley et al., "Simple Online and Realtime Tracking", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, as_boxes, box_centers, box_sizes, overlap
from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings

# A fast small face may not overlap its last box: it may also move by this many of its own sides ...
REACH = 1.0
# ... if it changed its size by less than this factor.
GROWTH = 1.6
# Time constant of a track's velocity, and how far ahead it is trusted; both in seconds.
VELOCITY_S = 0.1
FORESIGHT_S = 0.3
# After a longer gap between two frames nobody can be known by place.
PAUSE_S = 5.0


@dataclass
class Track:
    """One face over time.

    Attributes:
        number: its `track_id`.
        xyxy: where it was last seen, `(4,)` pixels.
        velocity: of its centre, `(2,)` pixels per second.
        seen_s: when it was last seen.
        missed_s: when it was first missed since; `None` while it is in view.
    """

    number: int
    xyxy: NDArray[np.float32]
    velocity: NDArray[np.float32]
    seen_s: float
    missed_s: float | None = None

    def predict(self, time_s: float) -> NDArray[np.float32]:
        """Return where the face should be at `time_s`, `(4,)` pixels."""
        ahead = min(max(time_s - self.seen_s, 0.0), FORESIGHT_S)
        return self.xyxy + np.tile(self.velocity * np.float32(ahead), 2)

    def see(self, xyxy: NDArray[np.float32], time_s: float) -> None:
        """Take in where the face is now."""
        elapsed = time_s - self.seen_s
        if elapsed > 0:
            moved = box_centers(xyxy[None])[0] - box_centers(self.xyxy[None])[0]
            share = 1 - np.exp(-elapsed / VELOCITY_S)
            self.velocity = np.asarray(self.velocity + share * (moved / elapsed - self.velocity), np.float32)
        self.xyxy, self.seen_s, self.missed_s = xyxy, time_s, None


class Tracker:
    """The faces in view and those that were just there.

    Times are seconds on any clock. Frames may come at any rate; a clock that stands still, goes backwards or
    jumps costs at most the numbers of the faces in view.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._tracks: list[Track] = []
        self._visible: list[Track] = []
        self._last_s: float | None = None
        self._next = 1

    def __len__(self) -> int:
        """Return how many faces are remembered, in view or just out of it."""
        return len(self._tracks)

    def track(self, faces: Faces, time_s: float) -> Faces:
        """Return the faces with their `track_id`: known faces keep it, new ones count up from 1.

        Args:
            faces: all faces of the frame, in any order; none are normal.
            time_s: when the frame was taken, in seconds.
        """
        self._end_tracks(time_s)
        pairs = self._assign(faces.xyxy, time_s)
        self._visible = [self._meet(pairs.get(row), box, time_s) for row, box in enumerate(faces.xyxy)]
        seen = {track.number for track in self._visible}
        for track in self._tracks:
            if track.number not in seen and track.missed_s is None:
                track.missed_s = time_s
        self._last_s = time_s
        return faces.with_columns(track_id=np.array([track.number for track in self._visible], np.int64))

    def predict(self, time_s: float) -> Boxes:
        """Return where the faces of the last frame should be at `time_s`, `(n, 4)` in the same order."""
        return as_boxes([track.predict(time_s) for track in self._visible])

    def _end_tracks(self, time_s: float) -> None:
        patience = self._settings.track_timeout_s
        paused = self._last_s is not None and abs(time_s - self._last_s) > max(PAUSE_S, patience)
        kept = [
            track
            for track in self._tracks
            if not paused and (track.missed_s is None or abs(time_s - track.missed_s) <= patience)
        ]
        # Even if the clock stands still, only so many can be remembered.
        self._tracks = kept[-4 * self._settings.max_faces :]

    def _meet(self, track: Track | None, box: NDArray[np.float32], time_s: float) -> Track:
        if track is not None:
            track.see(box, time_s)
            return track
        new = Track(self._next, box, np.zeros(2, np.float32), time_s)
        self._next += 1
        self._tracks.append(new)
        return new

    def _assign(self, xyxy: Boxes, time_s: float) -> dict[int, Track]:
        """Pair rows of `xyxy` with tracks, the best pair first."""
        predicted = as_boxes([track.predict(time_s) for track in self._tracks])
        in_view = np.array([track.missed_s is None for track in self._tracks], bool)
        likeness = _likeness(predicted, xyxy, in_view, self._settings.track_overlap)
        pairs: dict[int, Track] = {}
        while likeness.size and likeness.max() > 0:
            row, column = np.unravel_index(likeness.argmax(), likeness.shape)
            pairs[int(column)] = self._tracks[row]
            likeness[row], likeness[:, column] = 0, 0
        return pairs


def _likeness(tracks: Boxes, faces: Boxes, in_view: NDArray[np.bool_], least: float) -> NDArray[np.float32]:
    """Say how much each track `(t, 4)` and face `(n, 4)` belong together, `(t, n)`; 0 is not at all.

    Faces overlapping a track in view come first, then faces overlapping one that was missed (so that who
    comes out from behind another does not take over the other's number), then faces near by.
    """
    shared = overlap(tracks, faces)
    near = _nearness(tracks, faces)
    return np.asarray(np.where(shared >= least, 1 + shared + in_view[:, None], near), np.float32)


def _nearness(tracks: Boxes, faces: Boxes) -> NDArray[np.float32]:
    """Return 1 for the same centre down to 0 at `REACH` sides away or for another size, `(t, n)`."""
    first = np.maximum(box_sizes(tracks).max(axis=1), 1)[:, None]
    second = np.maximum(box_sizes(faces).max(axis=1), 1)[None]
    apart = np.linalg.norm(box_centers(tracks)[:, None] - box_centers(faces)[None], axis=2)
    alike = np.maximum(first / second, second / first) < GROWTH
    return np.asarray(np.where(alike, np.maximum(1 - apart / (REACH * (first + second) / 2), 0), 0), np.float32)
