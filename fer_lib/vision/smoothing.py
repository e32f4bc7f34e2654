"""Faces get steadier: probabilities and boxes are smoothed in time, whatever the frame rate.

Probabilities follow with one time constant. Boxes and landmarks are held while the face is still and let
go when it moves, with the aim of the One Euro filter (Casiez, Roussel and Vogel, "1€ Filter: A Simple
Speed-based Low-pass Filter for Noisy Input in Interactive Systems", 2012): no jitter at rest, no lag in
motion. Instead of estimating a speed, which is late when a face starts to move, the lag itself is bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings

Floats = NDArray[np.float32]

# How far a smoothed box may lag behind the face, in sides of the face.
LAG = 0.03


@dataclass(frozen=True)
class State:
    """What is remembered of one face.

    Attributes:
        time_s: when it was last seen.
        probabilities: smoothed, `(7,)`; `None` while unknown.
        points: corners of the box, then the landmarks if known, smoothed, `(2 or 7, 2)` pixels.
    """

    time_s: float
    probabilities: Floats | None
    points: Floats


class Smoother:
    """What is remembered of each face in view or just out of it, by its `track_id`.

    Attributes:
        settings: the time constants; they may be replaced between two frames.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self.settings = settings or VisionSettings.load()
        self._states: dict[int, State] = {}

    def __len__(self) -> int:
        """Return how many faces are remembered."""
        return len(self._states)

    def smooth(self, faces: Faces, time_s: float) -> Faces:
        """Return steadier faces; one that is seen for the first time stays as it is.

        What came in as `probabilities` is kept as `raw_probabilities`.

        Args:
            faces: the faces of a frame with their `track_id`; no faces are normal.
            time_s: when the frame was taken, in seconds on any clock.

        Raises:
            ValueError: if `track_id` is unknown.
        """
        if faces.track_id is None:
            raise ValueError("`track_id` must be known before faces are smoothed, but got None; track them first")
        states = {int(number): observe(faces, row, time_s) for row, number in enumerate(faces.track_id)}
        for number in states.keys() & self._states.keys():
            states[number] = blend(self._states[number], states[number], self.settings)
        self._remember(states, time_s)
        steady = _with_states(faces, list(states.values())) if states else faces
        return steady.with_columns(raw_probabilities=faces.probabilities)

    def _remember(self, states: dict[int, State], time_s: float) -> None:
        patience = self.settings.track_timeout_s
        unseen = [(number, state) for number, state in self._states.items() if number not in states]
        recent = [(number, state) for number, state in unseen if abs(time_s - state.time_s) <= patience]
        # Even if the clock stands still, only so many can be remembered.
        self._states = dict(recent[-4 * self.settings.max_faces :]) | states


def observe(faces: Faces, row: int, time_s: float) -> State:
    """Return the state of a face as it is in the frame, before any smoothing."""
    box = faces.xyxy[row : row + 1]
    points = box.reshape(2, 2)
    if faces.landmarks is not None:
        points = np.vstack([points, faces.landmarks[row]])
    probabilities = None if faces.probabilities is None else faces.probabilities[row]
    return State(time_s, probabilities, points)


def blend(last: State, seen: State, settings: VisionSettings) -> State:
    """Return the smoothed state after `last` when the frame shows `seen`."""
    elapsed = abs(seen.time_s - last.time_s)
    points = seen.points
    if last.points.shape == points.shape and settings.box_smoothing_s > 0:
        share = max(_share(elapsed, settings.box_smoothing_s), 1 - LAG / max(_distance(last, seen), LAG))
        points = _mix(last.points, points, share)
    probabilities = seen.probabilities
    if last.probabilities is not None and probabilities is not None:
        probabilities = _mix(last.probabilities, probabilities, _share(elapsed, settings.smoothing_s))
        probabilities /= probabilities.sum()
    return State(seen.time_s, probabilities, points)


def _distance(last: State, seen: State) -> float:
    """Return how far the box of `seen` is from the smoothed one, in centre and size, in its own sides."""
    low, high = seen.points[:2] - last.points[:2]
    side = max(float((seen.points[1] - seen.points[0]).max()), 1.0)
    return float(np.hypot(np.linalg.norm(low + high) / 2, np.abs(high - low).max())) / side


def _share(elapsed_s: float, constant_s: float) -> float:
    """Return how much of a new value counts after `elapsed_s`: the exact step of an exponential."""
    return 1 - math.exp(-elapsed_s / constant_s) if constant_s > 0 else 1.0


def _mix(last: Floats, seen: Floats, share: float) -> Floats:
    return np.asarray(last + np.float32(share) * (seen - last), np.float32)


def _with_states(faces: Faces, states: list[State]) -> Faces:
    points = np.stack([state.points for state in states])
    columns = {"xyxy": points[:, :2].reshape(-1, 4)}
    if faces.landmarks is not None:
        columns["landmarks"] = points[:, 2:]
    if faces.probabilities is not None:
        columns["probabilities"] = np.stack([np.asarray(state.probabilities) for state in states])
    return faces.with_columns(**columns)
