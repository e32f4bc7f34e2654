"""Factories of video files (PyAV) and of their frames."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from factories import compose_frame
from numpy.typing import NDArray

TICK = Fraction(1, 1000)


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    times_ms: Sequence[int] | None = None,
    sound: bool = False,
    rotation: int = 0,
    aspect: Fraction | None = None,
    **options: str,
) -> Path:
    """Write RGB frames `(h, w, 3)` with even sides to a video, at these times (default: 25 frames per second)."""
    times_ms = times_ms or range(0, 40 * len(frames), 40)
    with av.open(str(path), "w", options=options) as container:
        encoder = "libvpx" if path.suffix == ".webm" else "mpeg4" if path.suffix == ".avi" else "libx264"
        stream = container.add_stream(encoder, rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.gop_size = 5
        stream.codec_context.time_base = TICK if path.suffix != ".avi" else Fraction(1, 25)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        tone = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        for pixels, time_ms in zip(frames, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(time_ms * TICK / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            _add_tone(container, tone, times_ms[-1] / 1000)
    return path


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for start in range(0, int(seconds * 16000), 1024):
        wave = np.sin((start + np.arange(1024)) * 0.2).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def make_shades(count: int, width: int = 64, height: int = 48) -> list[NDArray[np.uint8]]:
    """Return uniform frames of increasing brightness, so that the brightness identifies the frame."""
    return [np.full((height, width, 3), 20 + 200 * n // count, np.uint8) for n in range(count)]


def make_noise(count: int, width: int = 64, height: int = 48) -> list[NDArray[np.uint8]]:
    """Return frames of noise, which compress badly, for files large enough to be truncated or damaged."""
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))


def make_walk(count: int) -> list[NDArray[np.uint8]]:
    """Return 320 × 240 frames of one face that moves to the right."""
    return [compose_frame([(120 + 2 * n, 120, 90)], 320, 240)[0] for n in range(count)]
