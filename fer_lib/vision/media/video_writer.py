"""Encode frames with their times to a video file, and copy the sound of the original."""

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

# Encoders by suffix, best first; some builds of FFmpeg lack some of them.
X264, VP9 = ("libx264", "libopenh264", "mpeg4"), ("libvpx-vp9", "libvpx")
ENCODERS = {".mp4": X264, ".m4v": X264, ".mov": X264, ".mkv": X264, ".webm": VP9}
# High quality and fast: encoding should not take longer than face detection.
OPTIONS = {
    "libx264": {"crf": "20", "preset": "veryfast"},
    "libvpx-vp9": {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
# For frames larger than 4K, the encoder buffers one frame instead of some twenty.
LARGE_PIXELS, LARGE_OPTIONS = 9_000_000, {"libx264": {"tune": "zerolatency"}, "libvpx-vp9": {"lag-in-frames": "0"}}
TICK = Fraction(1, 90_000)  # seconds; divides the usual frame rates


class VideoWriter:
    """Writer of a video file; created by `open_video`.

    Attributes:
        notes: sentences about what could not be copied.
    """

    def __init__(self, container: Any, encoder: str, video: Video) -> None:
        self.notes: list[str] = []
        self._container = container
        self._start_s = video.start_s
        # H.264 requires even sides: pad by a row or column instead of cropping.
        self._size = (video.width + video.width % 2, video.height + video.height % 2)
        self._stream = self._add_video_stream(encoder, video.rate)
        self._sound = self._add_sound_stream(video.sound)
        self._last = -1

    def write(self, time_s: float, frame: Frame) -> None:
        """Encode a frame, RGB uint8 `(h, w, 3)`, at `time_s` after the start; times are made strictly increasing."""
        import av

        video_frame = av.VideoFrame.from_ndarray(_pad_or_resize(frame, self._size), format="rgb24")
        video_frame = video_frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        video_frame.pts = self._last = max(round(time_s / TICK), self._last + 1)
        video_frame.time_base = TICK
        self._container.mux(self._stream.encode(video_frame))

    def write_sound(self, packet: Packet) -> None:
        """Copy a sound packet of the original; after an invalid packet, the sound ends and a note is added."""
        from av.error import FFmpegError

        if self._sound is None:
            return
        try:
            shift = round(self._start_s / packet.time_base)
            packet.pts, packet.dts = _subtract(packet.pts, shift), _subtract(packet.dts, shift)
            packet.stream = self._sound
            self._container.mux(packet)
        except (FFmpegError, OverflowError):  # OverflowError: timestamps that exceed 64 bits
            self.notes.append("the sound is damaged and ends early")
            self._sound = None

    def finish(self) -> None:
        """Flush the encoder."""
        self._container.mux(self._stream.encode(None))

    def _add_video_stream(self, encoder: str, rate: float) -> Any:
        stream = self._container.add_stream(encoder, rate=Fraction(rate).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = *self._size, "yuv420p"
        is_large = self._size[0] * self._size[1] > LARGE_PIXELS
        stream.options = OPTIONS.get(encoder, {}) | (LARGE_OPTIONS.get(encoder, {}) if is_large else {})
        context = stream.codec_context
        context.time_base = TICK
        # Declare the colour space, so that all players display the same colours.
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        return stream

    def _add_sound_stream(self, sound: Any) -> Any:
        if sound is None:
            return None
        name = "of an unknown codec" if sound.codec_context is None else sound.codec_context.name
        if name not in self._container.supported_codecs:
            self.notes.append(f"the container does not support the sound ({name}), which is omitted")
            return None
        return self._container.add_stream_from_template(sound)


@contextmanager
def open_video(path: Path | str, video: Video) -> Iterator[VideoWriter]:
    """Open a writer for a video with the frame size of `video` and its sound; `path` is written atomically.

    Raises:
        ValueError: if the suffix is not one of `ENCODERS`.
        FileNotFoundError: if the folder is missing.
        OSError: if writing fails.
    """
    encoder, av = choose_encoder(Path(path)), require_av()
    with atomic_write(path) as temporary:
        # Write the index first, so that a browser can play the file while it loads.
        options = {"movflags": "+faststart"} if temporary.suffix.lower() in (".mp4", ".m4v", ".mov") else {}
        try:
            with av.open(f"file:{temporary}", "w", options=options) as container:
                writer = VideoWriter(container, encoder, video)
                yield writer
                writer.finish()
        except av.error.FFmpegError as error:
            raise OSError(f"the video {path} can't be written ({error.strerror or error})") from None


def choose_encoder(path: Path) -> str:
    """Return the name of the best available encoder for a file.

    Raises:
        ValueError: if its suffix is not one of `ENCODERS`.
    """
    codecs = require_av().codecs_available
    names = [name for name in ENCODERS.get(path.suffix.lower(), ()) if name in codecs]
    if not names:
        raise ValueError(f"a video must end in {', '.join(ENCODERS)} to be written, but got {path}")
    return names[0]


def _pad_or_resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """Pad a frame to even sides; a frame of another size is resized."""
    height, width = frame.shape[:2]
    right, below = size[0] - width, size[1] - height
    if right == below == 0:
        return frame
    if right in (0, 1) and below in (0, 1):
        return np.asarray(cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _subtract(value: int | None, shift: int) -> int | None:
    return None if value is None else value - shift
