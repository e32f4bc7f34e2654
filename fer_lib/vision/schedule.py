"""When a frame is searched for faces from scratch, and when following the known ones is enough."""

from __future__ import annotations

from fer_lib.settings.vision import VisionSettings


class DetectionSchedule:
    """The times of full detections.

    Times are seconds on any clock; a jump backwards counts like the same jump forwards, so that a clock
    that was set back does not stop the search.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self._settings = settings or VisionSettings.load()
        self._last_s: float | None = None
        self._lost = False

    def due(self, time_s: float, following: bool, lost: bool) -> bool:
        """Say whether this frame needs a full detection, and count on it being done.

        Args:
            time_s: when the frame was taken.
            following: whether any face is followed in this frame.
            lost: whether a face of the last frame could not be followed into this one. It is remembered
                until the next detection, which it brings forward, but only to `retry_interval_s` after the
                last one: a face that keeps vanishing must not make every frame expensive.
        """
        self._lost = self._lost or lost
        if self._last_s is not None and abs(time_s - self._last_s) < self._interval(following):
            return False
        self._last_s, self._lost = time_s, False
        return True

    def _interval(self, following: bool) -> float:
        usual = self._settings.detect_interval_s if following else self._settings.search_interval_s
        return min(usual, self._settings.retry_interval_s) if self._lost else usual
