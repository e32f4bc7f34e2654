"""Select the video stream of a container, limit its decoder, and convert frames to upright RGB with square pixels."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.vision.media.codecs import check_codec
from fer_lib.vision.media.containers import decoder_limit
from fer_lib.vision.media.frames import Frame

# Frame rates outside of this range, in frames per second, are replaced by the default.
MIN_RATE, MAX_RATE, DEFAULT_RATE = 0.001, 1000.0, 25.0
MAX_THREADS = 16  # of the decoder; each buffers a frame


def to_upright_rgb(frame: Any, aspect: Fraction | None = None) -> Frame:
    """Convert a decoded frame to RGB with square pixels, and apply its rotation.

    Args:
        frame: `av.VideoFrame`.
        aspect: pixel aspect ratio, width by height.
    """
    pixels = frame.to_ndarray(format="rgb24", width=square_pixel_width(frame.width, aspect), height=frame.height)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))


def square_pixel_width(width: int, aspect: Fraction | None) -> int:
    """Convert the width of a frame in the file to its width with square pixels, before rotation."""
    return max(round(width * aspect), 1) if aspect and aspect > 0 else width


def select_video_stream(container: Any, path: Path, max_pixels: int) -> Any:
    """Return the first video stream of a container, and set the pixel limit of its decoder.

    Raises:
        ValueError: if there is none, its codec is not one of `VIDEO_DECODERS`, or its frames have more than `max_pixels`.
    """
    from av.stream import Disposition

    # FFmpeg treats the cover image of an audio file as a video stream.
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise ValueError(f"{path} must contain a video, but it has no video stream")
    stream = streams[0]
    if stream.codec_context is None:
        raise ValueError(f"{path} must contain a video of a supported codec, but FFmpeg has no decoder for its video")
    width, pixels = square_pixel_width(stream.width, stream.sample_aspect_ratio), stream.width * stream.height
    if max(width, stream.width) * stream.height > max_pixels:
        raise ValueError(
            f"{path} must have frames of at most {max_pixels:,} pixels, but they have {width:,} × {stream.height:,} with "
            "square pixels; increase `MAX_PIXELS` to permit them"
        )
    check_codec(stream, path)
    stream.thread_type = "AUTO"
    context = stream.codec_context
    # The decoder itself refuses larger frames, because the header of the container may be wrong.
    context.options = {"max_pixels": str(decoder_limit(max_pixels))}
    # The frames of all threads together have at most `max_pixels`; a stream of unknown size gets one thread.
    context.thread_count = max(1, min((os.cpu_count() or 1) + 1, MAX_THREADS, max_pixels // pixels if pixels else 1))
    return stream


def valid_rate(rate: Fraction | None) -> float:
    """Return a frame rate in frames per second; an unknown or out-of-range rate is replaced by `DEFAULT_RATE`."""
    return float(rate) if rate is not None and MIN_RATE <= rate <= MAX_RATE else DEFAULT_RATE
