"""Choose the video stream of a container, limit its decoder, and make its frames upright RGB with square pixels."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.vision.media.codecs import check_codec
from fer_lib.vision.media.containers import decoder_limit
from fer_lib.vision.media.frames import Frame

# Frame rates outside this range, in frames a second, are replaced by the usual one.
MIN_RATE, MAX_RATE, USUAL_RATE = 0.001, 1000.0, 25.0
MAX_THREADS = 16  # of the decoder; each holds a frame


def upright(frame: Any, aspect: Fraction | None = None) -> Frame:
    """Return a decoded frame as RGB, rotated as the file asks for, with square pixels.

    Args:
        frame: as FFmpeg decoded it.
        aspect: width of a pixel by its height.
    """
    pixels = frame.to_ndarray(format="rgb24", width=upright_width(frame.width, aspect), height=frame.height)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))


def upright_width(width: int, aspect: Fraction | None) -> int:
    """Return the width of a frame with square pixels, before rotation, of its width in the file."""
    return max(round(width * aspect), 1) if aspect and aspect > 0 else width


def find_video(container: Any, path: Path, max_pixels: int) -> Any:
    """Return the first stream of moving pictures of a container, its decoder set to refuse larger frames.

    Raises:
        ValueError: if there is none, its codec is none of `VIDEO_DECODERS`, or its frames have more than `max_pixels`.
    """
    from av.stream import Disposition

    # The cover of a song also counts as a picture stream.
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        raise ValueError(f"{path} must hold a video, but it has no moving pictures")
    stream = streams[0]
    if stream.codec_context is None:
        raise ValueError(f"{path} must hold a video of a known codec, but FFmpeg has no decoder for its video")
    width, pixels = upright_width(stream.width, stream.sample_aspect_ratio), stream.width * stream.height
    if max(width, stream.width) * stream.height > max_pixels:
        raise ValueError(
            f"{path} must have frames of at most {max_pixels:,} pixels, but they have {width:,} × {stream.height:,} with "
            "square pixels; a larger `MAX_PIXELS` lets them pass"
        )
    check_codec(stream, path)
    stream.thread_type = "AUTO"
    context = stream.codec_context
    # The decoder refuses larger frames itself, whatever the container says.
    context.options = {"max_pixels": str(decoder_limit(max_pixels))}
    # All threads together hold at most `max_pixels`, too; a stream of unknown size gets one.
    context.thread_count = max(1, min((os.cpu_count() or 1) + 1, MAX_THREADS, max_pixels // pixels if pixels else 1))
    return stream


def usable_rate(rate: Fraction | None) -> float:
    """Return a frame rate, in frames a second; an unknown or impossible one is replaced by the usual one."""
    return float(rate) if rate is not None and MIN_RATE <= rate <= MAX_RATE else USUAL_RATE
