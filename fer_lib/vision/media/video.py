"""Decode the frames of video files with their times, with FFmpeg through PyAV.

Memory is independent of the duration. The times are those of the file, also for a variable frame rate; rotation and pixel
aspect ratio are applied. The number of pixels of a frame is limited, before and after that.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fer_lib.images.decoding import MAX_PIXELS
from fer_lib.terminal import printable
from fer_lib.vision.media.codecs import prepare_packet
from fer_lib.vision.media.containers import VideoFile, error_reason, open_container, require_av
from fer_lib.vision.media.decoding_errors import DecodingErrors
from fer_lib.vision.media.frames import Frame
from fer_lib.vision.media.sound_buffer import MAX_SOUND_BYTES, SoundBuffer
from fer_lib.vision.media.video_stream import select_video_stream, square_pixel_width, to_upright_rgb, valid_rate

Packet = Any  # `av.Packet`; PyAV is imported only when a video is opened
# Times outside of this range, in seconds from the beginning, are replaced by times predicted from the frame rate.
MIN_TIME_S, MAX_TIME_S = -10.0, 366 * 86400.0


class Video:
    """Video file, open for a single pass of reading; a context manager.

    Attributes:
        path: of the file.
        width: of the upright frames in pixels.
        height: of the upright frames in pixels.
        rate: average frames per second, from 0.001 to 1000.
        duration_s: from the header, in seconds; 0 if unknown.
        start_s: timestamp of the beginning in the file, in seconds; the times of `frames` begin at 0.
        expected_frames: from the header, or an estimate; 0 if unknown.
        sound: audio stream, or `None`; valid until the file is closed.
        damage: sentences about what could not be decoded; complete after the last frame.

    Args:
        path: of the file.
        max_pixels: most pixels of a frame, before and after the conversion to square pixels.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it contains no video that can be decoded, or one of larger frames.
        ModuleNotFoundError: if PyAV is missing, with the command that installs it.
    """

    def __init__(self, path: Path | str, max_pixels: int = MAX_PIXELS) -> None:
        self.path = Path(path)
        self._max_pixels = max_pixels
        require_av()
        with ExitStack() as stack:
            self._container = stack.enter_context(
                open_container(stack.enter_context(VideoFile(self.path)), self.path, max_pixels)
            )
            self._stream = select_video_stream(self._container, self.path, max_pixels)
            self._aspect = self._stream.sample_aspect_ratio
            self.sound = next(iter(self._container.streams.audio), None)
            self.rate = valid_rate(self._stream.average_rate or self._stream.guessed_rate)
            # Read now: streams must not be accessed after the file is closed.
            self.duration_s = max(self._container.duration or 0, 0) / 1e6
            self.start_s = (self._container.start_time or 0) / 1e6
            self.expected_frames = max(int(self._stream.frames), 0) or round(self.duration_s * self.rate)
            self.damage: list[str] = []
            self._last_s = -1 / self.rate
            self._reached_s = 0.0
            self._errors = DecodingErrors(max_pixels)
            self._early_sound = SoundBuffer()
            self._on_sound: Callable[[Packet], None] = self._early_sound.add
            self._frames = self._read()
            stack.callback(self._frames.close)
            self._first = self._read_first()
            self._resources = stack.pop_all()
        self.height, self.width = self._first[1].shape[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def frames(self, on_sound: Callable[[Packet], None] | None = None) -> Iterator[tuple[float, Frame]]:
        """Yield each frame with its time, in a single pass.

        What can't be decoded is skipped and reported in `damage`.

        Args:
            on_sound: called with each packet of `sound`.

        Yields:
            Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.
        """
        self._on_sound = on_sound or (lambda packet: None)
        if self._early_sound.has_overflowed:
            self.damage.append(f"of the sound before the first frame, only {MAX_SOUND_BYTES:,} bytes are kept")
        for packet in self._early_sound.pop_all():
            self._on_sound(packet)
        yield self._first
        yield from self._frames
        self.damage += self._errors.sentences(self._reached_s, self.duration_s, is_interrupted=bool(self.damage))

    def _read_first(self) -> tuple[float, Frame]:
        first = next(self._frames, None)
        if first is None:
            raise ValueError(
                f"{self.path} must contain a video, but none of its frames can be decoded: it is damaged, or its frames "
                f"have more than `MAX_PIXELS` = {self._max_pixels:,} pixels"
            )
        return first

    def _read(self) -> Generator[tuple[float, Frame], None, None]:
        from av.error import FFmpegError

        for packet in self._packets():
            for frame in self._decode(packet):
                time_s = self._time_of(frame)
                width = max(square_pixel_width(frame.width, self._aspect), frame.width)
                if width * frame.height > self._max_pixels:
                    self._errors.has_large_frames = True
                    self._errors.add_undecoded(time_s)
                    continue
                try:
                    pixels = to_upright_rgb(frame, self._aspect)
                except FFmpegError:  # for pixel formats that FFmpeg can't convert to RGB
                    self._errors.add_undecoded(time_s)
                    continue
                yield time_s, pixels

    def _time_of(self, frame: Any) -> float:
        """Return the time of a frame in seconds from the beginning; a time out of range is replaced."""
        time_s = predicted_s = self._last_s + 1 / self.rate
        if frame.time is not None:
            time_s = frame.time - self.start_s
        if not MIN_TIME_S <= time_s <= MAX_TIME_S:
            self._errors.replaced_times += 1
            time_s = min(predicted_s, MAX_TIME_S)
        self._last_s = max(time_s, 0.0)
        self._reached_s = max(self._reached_s, self._last_s + 1 / self.rate)
        return self._last_s

    def _packets(self) -> Iterator[Packet | None]:
        """Yield the video packets; pass the sound packets to the callback, and report a read error in `damage`."""
        from av.error import FFmpegError

        streams = [stream for stream in (self._stream, self.sound) if stream is not None]
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self.damage.append(f"it can't be read after {self._reached_s:.1f} s ({error_reason(error)})")
                yield None  # flushes the decoder
                return
            if packet is None:
                return
            if packet.stream is self._stream:
                yield packet
            elif packet.dts is not None:
                sound_s = float(packet.dts * packet.time_base) - self.start_s
                if sound_s <= MAX_TIME_S:
                    self._reached_s = max(self._reached_s, sound_s)
                self._on_sound(packet)

    def _decode(self, packet: Packet | None) -> list[Any]:
        from av.error import FFmpegError

        try:
            if packet is not None:
                prepare_packet(packet, self._stream)
        except ValueError:
            self._errors.add_undecoded(self._reached_s)
            return []
        try:
            frames = self._stream.decode(packet)
        except FFmpegError:
            frames = []
            self._errors.add_undecoded(self._reached_s)
            size = self._stream.codec_context.width * self._stream.codec_context.height
            self._errors.has_large_frames |= (
                not 0 < size <= self._max_pixels
            )  # of a refused frame, the decoder reports the size or none
        for frame in frames:
            if frame.is_corrupt and frame.time is not None:
                self._errors.add_undecoded(frame.time - self.start_s)
        return frames


def read_frames(path: Path | str, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[float, Frame]]:
    """Yield each frame of a video with its time; a damaged video is read as far as possible, with a warning.

    Yields:
        Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it contains no video that can be decoded, or one whose frames have more than `max_pixels`.
    """
    with Video(path, max_pixels) as video:
        yield from video.frames()
        for sentence in video.damage:
            warnings.warn(f"{printable(path)} is damaged: {sentence}", stacklevel=2)
