"""Frames become a video again, each at its own time, with the sound of the original."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_lib.atomic_write import atomic_write
from fer_lib.vision.media.containers import require_av
from fer_lib.vision.media.frames import Frame
from fer_lib.vision.media.video import Packet, Video

# The encoders for each kind of file, best first; not every build of FFmpeg has all.
X264, VP9 = ("libx264", "libopenh264", "mpeg4"), ("libvpx-vp9", "libvpx")
ENCODERS = {".mp4": X264, ".m4v": X264, ".mov": X264, ".mkv": X264, ".webm": VP9}
# Good to look at and quick: encoding should not cost more than looking at the frame.
OPTIONS = {
    "libx264": {"crf": "20", "preset": "veryfast"},
    "libvpx-vp9": {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
# Of frames larger than 4K, the encoder holds one instead of some twenty.
LARGE_PIXELS, LARGE_OPTIONS = 9_000_000, {"libx264": {"tune": "zerolatency"}, "libvpx-vp9": {"lag-in-frames": "0"}}
TICK = Fraction(1, 90_000)  # seconds; divides the usual frame rates


class VideoWriter:
    """A video file that is being written; `open_video` makes one.

    Attributes:
        notes: sentences about what could not be kept.
    """

    def __init__(self, container: Any, encoder: str, video: Video) -> None:
        self.notes: list[str] = []
        self._container = container
        self._start_s = video.start_s
        # H.264 wants even sides: one line more rather than one less.
        self._size = (video.width + video.width % 2, video.height + video.height % 2)
        self._stream = self._add_pictures(encoder, video.rate)
        self._sound = self._add_sound(video.sound)
        self._last = -1

    def write(self, time_s: float, frame: Frame) -> None:
        """Add a frame, RGB uint8 `(h, w, 3)`, `time_s` after the start; times that do not grow are nudged."""
        import av

        picture = av.VideoFrame.from_ndarray(_fit(frame, self._size), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.pts = self._last = max(round(time_s / TICK), self._last + 1)
        picture.time_base = TICK
        self._container.mux(self._stream.encode(picture))

    def write_sound(self, packet: Packet) -> None:
        """Add a packet of the original's sound, as it is; sound that makes no sense breaks off with a note."""
        from av.error import FFmpegError

        if self._sound is None:
            return
        try:
            shift = round(self._start_s / packet.time_base)
            packet.pts, packet.dts = _less(packet.pts, shift), _less(packet.dts, shift)
            packet.stream = self._sound
            self._container.mux(packet)
        except (FFmpegError, OverflowError):  # the second of times that do not fit into 64 bits
            self.notes.append("the sound is damaged and breaks off")
            self._sound = None

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def _add_pictures(self, encoder: str, rate: float) -> Any:
        stream = self._container.add_stream(encoder, rate=Fraction(rate).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = *self._size, "yuv420p"
        is_large = self._size[0] * self._size[1] > LARGE_PIXELS
        stream.options = OPTIONS.get(encoder, {}) | (LARGE_OPTIONS.get(encoder, {}) if is_large else {})
        context = stream.codec_context
        context.time_base = TICK
        # Say which colours are meant, so that every player shows the same.
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        return stream

    def _add_sound(self, sound: Any) -> Any:
        if sound is None:
            return None
        name = "of an unknown codec" if sound.codec_context is None else sound.codec_context.name
        if name not in self._container.supported_codecs:
            self.notes.append(f"the sound ({name}) does not fit into this kind of file: left out")
            return None
        return self._container.add_stream_from_template(sound)


@contextmanager
def open_video(path: Path | str, video: Video) -> Iterator[VideoWriter]:
    """Write a video as large as `video` and with room for its sound; it appears at `path` when the block ends well.

    Raises:
        ValueError: if the suffix is of no kind of video we can write.
        FileNotFoundError: if the folder is missing.
        OSError: if writing fails.
    """
    encoder, av = choose_encoder(Path(path)), require_av()
    with atomic_write(path) as half:
        # The index goes to the front, so that a page can play the file while it loads.
        options = {"movflags": "+faststart"} if half.suffix.lower() in (".mp4", ".m4v", ".mov") else {}
        try:
            with av.open(f"file:{half}", "w", options=options) as container:
                writer = VideoWriter(container, encoder, video)
                yield writer
                writer.finish()
        except av.error.FFmpegError as error:
            raise OSError(f"the video {path} can't be written ({error.strerror or error})") from None


def choose_encoder(path: Path) -> str:
    """Return the name of the best encoder for a file.

    Raises:
        ValueError: if its suffix is of no kind of video we can write.
    """
    codecs = require_av().codecs_available
    names = [name for name in ENCODERS.get(path.suffix.lower(), ()) if name in codecs]
    if not names:
        raise ValueError(f"a video must end in {', '.join(ENCODERS)} to be written, but got {path}")
    return names[0]


def _fit(frame: Frame, size: tuple[int, int]) -> Frame:
    """Add the line that makes a side even; a frame of another size, which is rare, is scaled."""
    height, width = frame.shape[:2]
    right, below = size[0] - width, size[1] - height
    if right == below == 0:
        return frame
    if right in (0, 1) and below in (0, 1):
        return np.asarray(cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _less(value: int | None, shift: int) -> int | None:
    return None if value is None else value - shift
