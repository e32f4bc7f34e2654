"""Temporal smoothing of probabilities, boxes and landmarks, independent of the frame rate.

Probabilities are smoothed exponentially with one time constant. Boxes and landmarks are smoothed more at rest and less in
motion, with the aim of the 1€ filter (Casiez, Roussel and Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for
Noisy Input in Interactive Systems", 2012): no jitter at rest, no lag in motion. The 1€ filter adapts to an estimated
speed, which is delayed when a face starts to move; here, the lag itself is limited instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings

Floats = NDArray[np.float32]

# Largest lag of a smoothed box behind the face, as a multiple of its side.
MAX_LAG = 0.03


@dataclass(frozen=True)
class State:
    """Smoothed state of one face.

    Attributes:
        time_s: time of the last frame with the face.
        probabilities: smoothed, `(7,)`; `None` if unknown.
        points: smoothed corners of the box, then landmarks if known, `(2 or 7, 2)` pixels.
    """

    time_s: float
    probabilities: Floats | None
    points: Floats


class Smoother:
    """Smoothed states of the faces that are visible or were shortly before, by `track_id`.

    Attributes:
        settings: time constants; may be replaced between two frames.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self.settings = settings or VisionSettings.load()
        self._states: dict[int, State] = {}

    def __len__(self) -> int:
        """Return the number of stored faces."""
        return len(self._states)

    def smooth(self, faces: Faces, time_s: float) -> Faces:
        """Smooth the faces of a frame; a new face is unchanged.

        The unsmoothed `probabilities` are returned as `raw_probabilities`.

        Args:
            faces: faces with `track_id`; may be empty.
            time_s: capture time of the frame in seconds on any clock.

        Raises:
            ValueError: if `track_id` is missing.
        """
        if faces.track_id is None:
            raise ValueError("`track_id` must be known before smoothing, but got None; track the faces first")
        states = {int(track): observe(faces, row, time_s) for row, track in enumerate(faces.track_id)}
        for track in states.keys() & self._states.keys():
            states[track] = smooth_state(self._states[track], states[track], self.settings)
        self._store(states, time_s)
        smoothed = _with_states(faces, list(states.values())) if states else faces
        return smoothed.with_columns(raw_probabilities=faces.probabilities)

    def _store(self, states: dict[int, State], time_s: float) -> None:
        timeout_s = self.settings.track_timeout_s
        missed = [(track, state) for track, state in self._states.items() if track not in states]
        recent = [(track, state) for track, state in missed if abs(time_s - state.time_s) <= timeout_s]
        # Limit the memory even if the clock stands still.
        self._states = dict(recent[-4 * self.settings.max_faces :]) | states


def observe(faces: Faces, row: int, time_s: float) -> State:
    """Return the unsmoothed state of the face in a row of the table."""
    box = faces.xyxy[row : row + 1]
    points = box.reshape(2, 2)
    if faces.landmarks is not None:
        points = np.vstack([points, faces.landmarks[row]])
    probabilities = None if faces.probabilities is None else faces.probabilities[row]
    return State(time_s, probabilities, points)


def smooth_state(last: State, observed: State, settings: VisionSettings) -> State:
    """Return the smoothed state after `last` and the unsmoothed state `observed`."""
    elapsed_s = abs(observed.time_s - last.time_s)
    points = observed.points
    if last.points.shape == points.shape and settings.box_smoothing_s > 0:
        least_weight = 1 - MAX_LAG / max(_distance(last, observed), MAX_LAG)
        points = _interpolate(last.points, points, max(_weight(elapsed_s, settings.box_smoothing_s), least_weight))
    probabilities = observed.probabilities
    if last.probabilities is not None and probabilities is not None:
        probabilities = _interpolate(last.probabilities, probabilities, _weight(elapsed_s, settings.smoothing_s))
        probabilities /= probabilities.sum()
    return State(observed.time_s, probabilities, points)


def _distance(last: State, observed: State) -> float:
    """Return the distance of the observed box from the smoothed one, in centre and size, as a multiple of its side."""
    low, high = observed.points[:2] - last.points[:2]
    side = max(float((observed.points[1] - observed.points[0]).max()), 1.0)
    return float(np.hypot(np.linalg.norm(low + high) / 2, np.abs(high - low).max())) / side


def _weight(elapsed_s: float, time_constant_s: float) -> float:
    """Return the weight of a new value in exponential smoothing; 1 for a time constant of 0."""
    return 1 - math.exp(-elapsed_s / time_constant_s) if time_constant_s > 0 else 1.0


def _interpolate(last: Floats, observed: Floats, weight: float) -> Floats:
    return np.asarray(last + np.float32(weight) * (observed - last), np.float32)


def _with_states(faces: Faces, states: list[State]) -> Faces:
    points = np.stack([state.points for state in states])
    columns = {"xyxy": points[:, :2].reshape(-1, 4)}
    if faces.landmarks is not None:
        columns["landmarks"] = points[:, 2:]
    if faces.probabilities is not None:
        columns["probabilities"] = np.stack([np.asarray(state.probabilities) for state in states])
    return faces.with_columns(**columns)
