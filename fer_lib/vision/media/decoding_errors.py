"""Count what could not be decoded in a video, and report it in sentences."""

from __future__ import annotations

# A file that ends earlier than its header states by more than this, in seconds and as a share, is truncated.
MISSING_S, MISSING_SHARE = 1.0, 0.02


class DecodingErrors:
    """Errors while decoding a video.

    Attributes:
        has_large_frames: whether frames were dropped because of `max_pixels`.
        replaced_times: number of frames whose time was replaced.
    """

    def __init__(self, max_pixels: int) -> None:
        self.has_large_frames = False
        self.replaced_times = 0
        self._max_pixels = max_pixels
        self._undecoded = 0
        self._first_undecoded_s = 0.0

    def add_undecoded(self, time_s: float) -> None:
        """Count a packet or frame at `time_s` that could not be decoded."""
        if self._undecoded == 0:
            self._first_undecoded_s = time_s
        self._undecoded += 1

    def sentences(self, reached_s: float, duration_s: float, is_interrupted: bool) -> list[str]:
        """Return a sentence for each kind of damage.

        Args:
            reached_s: end of the last frame or sound, in seconds.
            duration_s: duration in the header, in seconds.
            is_interrupted: whether reading ended with an error, which has been reported.
        """
        sentences = []
        is_truncated = not is_interrupted and duration_s - reached_s > max(MISSING_S, MISSING_SHARE * duration_s)
        if is_truncated:
            sentences.append(f"it ends after {reached_s:.1f} s instead of {duration_s:.1f} s")
        if self._undecoded > is_truncated:  # one undecoded frame is a consequence of the truncation
            limit = f"; `MAX_PIXELS` = {self._max_pixels:,} permits no larger frames" if self.has_large_frames else ""
            first = f"the first at {self._first_undecoded_s:.1f} s"
            sentences.append(f"{_count(self._undecoded, 'part')} could not be decoded correctly, {first}{limit}")
        if self.replaced_times:
            sentences.append(f"the times of {_count(self.replaced_times, 'frame')} were out of range and are replaced")
        return sentences


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
