"""Multi-object tracking: assign the same `track_id` to the same face over time.

A simplified SORT (Bewley et al., "Simple Online and Realtime Tracking", 2016): each track predicts its box with constant
velocity, and tracks and detections are assigned greedily by intersection over union (IoU), then by distance. Velocities
and timeouts are in seconds, not frames, because the frame rate varies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, as_boxes, box_centers, box_sizes, iou
from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings

# A fast small face may not overlap its last box: it may also move by this multiple of its side ...
MAX_DISTANCE = 1.0
# ... if its side changed by less than this factor.
MAX_SIZE_RATIO = 1.6
# Time constant of the velocity of a track, and the longest prediction with it; both in seconds.
VELOCITY_S = 0.1
MAX_PREDICTION_S = 0.3
# After a longer gap between two frames, all tracks end.
MAX_GAP_S = 5.0


@dataclass
class Track:
    """State of one face over time.

    Attributes:
        track_id: its identifier, from 1.
        xyxy: box of the last detection, `(4,)` pixels.
        velocity: of its centre, `(2,)` pixels per second.
        updated_s: time of the last detection.
        missed_s: time of the first frame without it since then; `None` while it is visible.
    """

    track_id: int
    xyxy: NDArray[np.float32]
    velocity: NDArray[np.float32]
    updated_s: float
    missed_s: float | None = None

    def predict(self, time_s: float) -> NDArray[np.float32]:
        """Predict the box at `time_s` with constant velocity, `(4,)` pixels."""
        ahead = min(max(time_s - self.updated_s, 0.0), MAX_PREDICTION_S)
        return self.xyxy + np.tile(self.velocity * np.float32(ahead), 2)

    def update(self, xyxy: NDArray[np.float32], time_s: float) -> None:
        """Update box and velocity with a detection."""
        elapsed = time_s - self.updated_s
        if elapsed > 0:
            offset = box_centers(xyxy[None])[0] - box_centers(self.xyxy[None])[0]
            weight = 1 - np.exp(-elapsed / VELOCITY_S)
            self.velocity = np.asarray(self.velocity + weight * (offset / elapsed - self.velocity), np.float32)
        self.xyxy, self.updated_s, self.missed_s = xyxy, time_s, None


class Tracker:
    """Tracks of the visible faces, and of faces that were visible shortly before.

    Times are seconds on any clock, at any frame rate. If the clock stands still, goes backwards or jumps, the faces may
    get new track IDs.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._tracks: list[Track] = []
        self._visible: list[Track] = []
        self._last_s: float | None = None
        self._next = 1

    def __len__(self) -> int:
        """Return the number of tracks, visible and missed."""
        return len(self._tracks)

    def track(self, faces: Faces, time_s: float) -> Faces:
        """Add `track_id` to faces: known faces keep theirs, new faces get the next integer, from 1.

        Args:
            faces: all faces of the frame, in any order; may be empty.
            time_s: capture time of the frame in seconds.
        """
        self._end_tracks(time_s)
        pairs = self._assign(faces.xyxy, time_s)
        self._visible = [self._update_or_create(pairs.get(row), box, time_s) for row, box in enumerate(faces.xyxy)]
        updated = {track.track_id for track in self._visible}
        for track in self._tracks:
            if track.track_id not in updated and track.missed_s is None:
                track.missed_s = time_s
        self._last_s = time_s
        return faces.with_columns(track_id=np.array([track.track_id for track in self._visible], np.int64))

    def predict(self, time_s: float) -> Boxes:
        """Predict the boxes of the faces of the last frame at `time_s`, `(n, 4)` in the same order."""
        return as_boxes([track.predict(time_s) for track in self._visible])

    def _end_tracks(self, time_s: float) -> None:
        timeout_s = self._settings.track_timeout_s
        has_gap = self._last_s is not None and abs(time_s - self._last_s) > max(MAX_GAP_S, timeout_s)
        kept = [
            track
            for track in self._tracks
            if not has_gap and (track.missed_s is None or abs(time_s - track.missed_s) <= timeout_s)
        ]
        # Limit the memory even if the clock stands still.
        self._tracks = kept[-4 * self._settings.max_faces :]

    def _update_or_create(self, track: Track | None, box: NDArray[np.float32], time_s: float) -> Track:
        if track is not None:
            track.update(box, time_s)
            return track
        new = Track(self._next, box, np.zeros(2, np.float32), time_s)
        self._next += 1
        self._tracks.append(new)
        return new

    def _assign(self, xyxy: Boxes, time_s: float) -> dict[int, Track]:
        """Assign tracks to rows of `xyxy` greedily, the pair with the highest affinity first."""
        predicted = as_boxes([track.predict(time_s) for track in self._tracks])
        is_visible = np.array([track.missed_s is None for track in self._tracks], bool)
        affinity = _affinity(predicted, xyxy, is_visible, self._settings.track_overlap)
        pairs: dict[int, Track] = {}
        while affinity.size and affinity.max() > 0:
            row, column = np.unravel_index(affinity.argmax(), affinity.shape)
            pairs[int(column)] = self._tracks[row]
            affinity[row], affinity[:, column] = 0, 0
        return pairs


def _affinity(tracks: Boxes, faces: Boxes, is_visible: NDArray[np.bool_], min_iou: float) -> NDArray[np.float32]:
    """Compute the affinity of each track `(t, 4)` and face `(n, 4)`, `(t, n)`; 0: no match.

    Pairs with a visible track and at least `min_iou` rank first, then those with a missed track (so that a face that
    reappears behind another one does not take over the track of that one), then pairs by distance.
    """
    overlap = iou(tracks, faces)
    proximity = _proximity(tracks, faces)
    return np.asarray(np.where(overlap >= min_iou, 1 + overlap + is_visible[:, None], proximity), np.float32)


def _proximity(tracks: Boxes, faces: Boxes) -> NDArray[np.float32]:
    """Return 1 for the same centre, down to 0 from a distance of `MAX_DISTANCE` sides or for another size, `(t, n)`."""
    first = np.maximum(box_sizes(tracks).max(axis=1), 1)[:, None]
    second = np.maximum(box_sizes(faces).max(axis=1), 1)[None]
    distance = np.linalg.norm(box_centers(tracks)[:, None] - box_centers(faces)[None], axis=2)
    is_similar_size = np.maximum(first / second, second / first) < MAX_SIZE_RATIO
    return np.asarray(
        np.where(is_similar_size, np.maximum(1 - distance / (MAX_DISTANCE * (first + second) / 2), 0), 0), np.float32
    )
