"""Schedule of full detections: which frames need one, and which only follow the known faces."""

from __future__ import annotations

from fer_lib.settings.vision import VisionSettings


class DetectionSchedule:
    """Schedule of full detections.

    Times are seconds on any clock; a jump backwards counts like the same jump forwards, so that a clock that was set
    back does not suspend detection.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._last_s: float | None = None
        self._lost = False

    def is_due(self, time_s: float, following: bool, lost: bool) -> bool:
        """Return whether this frame needs a full detection, and record it as done in that case.

        Args:
            time_s: capture time of the frame.
            following: whether any face is followed in this frame.
            lost: whether a face of the last frame could not be followed into this one. This is stored until the next
                detection and moves it forward, to `retry_interval_s` after the last one at the earliest, so that a
                flickering face does not cause a detection in every frame.
        """
        self._lost = self._lost or lost
        if self._last_s is not None and abs(time_s - self._last_s) < self._interval(following):
            return False
        self._last_s, self._lost = time_s, False
        return True

    def _interval(self, following: bool) -> float:
        interval_s = self._settings.detect_interval_s if following else self._settings.search_interval_s
        return min(interval_s, self._settings.retry_interval_s) if self._lost else interval_s
