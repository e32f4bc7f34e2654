"""Read the frames of video files with their times. FFmpeg decodes, through PyAV.

Memory does not grow with the length. The times are those of the file, also for a variable frame rate; the rotation of
phones and the aspect ratio of pixels are applied. The number of pixels of a frame is limited, before and after that.
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
from fer_lib.vision.media.containers import VideoFile, open_container, reason_of, require_av
from fer_lib.vision.media.frames import Frame
from fer_lib.vision.media.video_stream import find_video, upright, upright_width, usable_rate

Packet = Any  # of FFmpeg; PyAV is imported only when a video is opened
# A file that ends so much earlier than it says, in seconds and as a share, is cut off.
MISSING_S, MISSING_SHARE = 1.0, 0.02
# Times of frames outside this range, in seconds from the beginning, are replaced by those that the rate predicts.
MIN_TIME_S, MAX_TIME_S = -10.0, 366 * 86400.0
MAX_EARLY_SOUND = 64_000_000  # bytes of sound kept until the first frame is decoded


class Video:
    """A video file, open for reading once; a context manager.

    Attributes:
        path: of the file.
        width: of the frames in pixels, upright.
        height: of the frames in pixels, upright.
        rate: frames a second on average, from 0.001 to 1000.
        duration_s: what the file says, in seconds; 0 if it does not.
        start_s: the file's own time of its beginning, which is 0 here.
        expected_frames: what the file says, or an estimate; 0 if nobody knows.
        sound: the stream of its sound, or `None`; only until the file is closed.
        damage: sentences about what could not be read; complete after the last frame.

    Args:
        path: of the file.
        max_pixels: most pixels of a frame, before and after its pixels are made square.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no video that can be decoded, or one of larger frames.
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
            self._stream = find_video(self._container, self.path, max_pixels)
            self._aspect = self._stream.sample_aspect_ratio
            self.sound = next(iter(self._container.streams.audio), None)
            self.rate = usable_rate(self._stream.average_rate or self._stream.guessed_rate)
            # Read now: FFmpeg's streams must not be touched once the file is closed.
            self.duration_s = max(self._container.duration or 0, 0) / 1e6
            self.start_s = (self._container.start_time or 0) / 1e6
            self.expected_frames = max(int(self._stream.frames), 0) or round(self.duration_s * self.rate)
            self.damage: list[str] = []
            self._last_s = -1 / self.rate
            self._reached_s = 0.0
            self._undecoded = 0
            self._first_undecoded_s = 0.0
            self._are_too_large = False
            self._replaced_times = 0
            self._early = _EarlySound()
            self._on_sound: Callable[[Packet], None] = self._early.add
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
        """Yield each frame with its time, once.

        What can't be decoded is left out and noted in `damage`.

        Args:
            on_sound: is called with each packet of `sound` on the way, for those who keep it.

        Yields:
            Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.
        """
        self._on_sound = on_sound or (lambda packet: None)
        if self._early.is_full:
            self.damage.append(f"of the sound before the first frame, only {MAX_EARLY_SOUND:,} bytes are kept")
        for packet in self._early.take():
            self._on_sound(packet)
        yield self._first
        yield from self._frames
        self._note_damage()

    def _read_first(self) -> tuple[float, Frame]:
        first = next(self._frames, None)
        if first is None:
            raise ValueError(
                f"{self.path} must hold a video, but not one frame of it can be decoded: it is damaged, or its frames "
                f"have more than `MAX_PIXELS` = {self._max_pixels:,} pixels"
            )
        return first

    def _read(self) -> Generator[tuple[float, Frame], None, None]:
        from av.error import FFmpegError

        for packet in self._packets():
            for frame in self._decode(packet):
                time_s = self._time_of(frame)
                width = max(upright_width(frame.width, self._aspect), frame.width)
                if width * frame.height > self._max_pixels:
                    self._are_too_large = True
                    self._note_undecoded(time_s)
                    continue
                try:
                    pixels = upright(frame, self._aspect)
                except FFmpegError:  # of pixels that FFmpeg can't convert to RGB
                    self._note_undecoded(time_s)
                    continue
                yield time_s, pixels

    def _time_of(self, frame: Any) -> float:
        """Return the time of the next frame in seconds from the beginning; an impossible one is replaced."""
        time_s = predicted_s = self._last_s + 1 / self.rate
        if frame.time is not None:
            time_s = frame.time - self.start_s
        if not MIN_TIME_S <= time_s <= MAX_TIME_S:
            self._replaced_times += 1
            time_s = min(predicted_s, MAX_TIME_S)
        self._last_s = max(time_s, 0.0)
        self._reached_s = max(self._reached_s, self._last_s + 1 / self.rate)
        return self._last_s

    def _packets(self) -> Iterator[Packet | None]:
        """Yield the packets of the picture; those of the sound are handed on, and an end that breaks off is noted."""
        from av.error import FFmpegError

        streams = [stream for stream in (self._stream, self.sound) if stream is not None]
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self.damage.append(f"it breaks off after {self._reached_s:.1f} s ({reason_of(error)})")
                yield None  # brings out what the decoder still holds
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
            self._note_undecoded(self._reached_s)
            return []
        try:
            frames = self._stream.decode(packet)
        except FFmpegError:
            frames = []
            self._note_undecoded(self._reached_s)
            size = self._stream.codec_context.width * self._stream.codec_context.height
            self._are_too_large |= not 0 < size <= self._max_pixels  # what FFmpeg refuses has its size, or none
        for frame in frames:
            if frame.is_corrupt and frame.time is not None:
                self._note_undecoded(frame.time - self.start_s)
        return frames

    def _note_undecoded(self, time_s: float) -> None:
        if self._undecoded == 0:
            self._first_undecoded_s = time_s
        self._undecoded += 1

    def _note_damage(self) -> None:
        missing_s = self.duration_s - self._reached_s
        is_cut = not self.damage and missing_s > max(MISSING_S, MISSING_SHARE * self.duration_s)
        if is_cut:
            self.damage.append(f"it ends after {self._reached_s:.1f} s instead of {self.duration_s:.1f} s")
        if self._undecoded > is_cut:  # the frame that is cut off is no second fault
            limit = f"; `MAX_PIXELS` = {self._max_pixels:,} lets no larger frame pass" if self._are_too_large else ""
            where = f"the first at {self._first_undecoded_s:.1f} s"
            self.damage.append(f"{_count(self._undecoded, 'piece')} could not be decoded well, {where}{limit}")
        if self._replaced_times:
            self.damage.append(f"the times of {_count(self._replaced_times, 'frame')} were impossible and are replaced")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _EarlySound:
    """Packets of sound that come before the first frame, up to `MAX_EARLY_SOUND` bytes."""

    def __init__(self) -> None:
        self._packets: list[Packet] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether packets were dropped."""
        return self._bytes > MAX_EARLY_SOUND

    def add(self, packet: Packet) -> None:
        """Keep a packet while there is room."""
        self._bytes += packet.size
        if not self.is_full:
            self._packets.append(packet)

    def take(self) -> list[Packet]:
        """Return the packets, once."""
        packets, self._packets = self._packets, []
        return packets


def read_frames(path: Path | str, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[float, Frame]]:
    """Yield each frame of a video with its time; a damaged one is read as far as it goes, with a warning.

    Yields:
        Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no video that can be decoded, or one whose frames have more than `max_pixels`.
    """
    with Video(path, max_pixels) as video:
        yield from video.frames()
        for sentence in video.damage:
            warnings.warn(f"{printable(path)} is damaged: {sentence}", stacklevel=2)
