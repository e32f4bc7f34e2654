"""Allow-list of video decoders of FFmpeg: those of cameras, phones, browsers and screen recorders.

FFmpeg has some 200 more. Decoders of still images (PNG, TIFF, OpenEXR, …) decompress texts and profiles of any size in
each frame and keep them: 2.3 MB of PNG in a MOV file took 3 GB. Motion JPEG is allowed, because webcams write it; its
EXIF data is hidden from the decoder, which copies a text once for each entry that refers to it: 68 kB of one frame took
2 GB and 17 s. A frame with thousands of scans takes minutes, in which Ctrl-C has no effect.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fer_lib.images.jpeg import MAX_SCANS

# Decoder names of FFmpeg; AV1 and VP9 have several.
# fmt: off
VIDEO_DECODERS = frozenset(
    [
        "av1", "libdav1d",
        "h261", "h263", "h263i", "h263p", "h264", "hevc", "vvc",
        "mpeg1video", "mpeg2video", "mpegvideo", "mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2",
        "libvpx", "libvpx-vp9", "vp3", "vp6", "vp6a", "vp6f", "vp8", "vp9",
        "theora",
        "vc1", "wmv1", "wmv2", "wmv3",
        "flv", "rv10", "rv20", "rv30", "rv40",
        "cinepak", "qtrle", "svq1", "svq3",
        "msrle", "msvideo1",
        "dnxhd", "dvvideo", "mjpeg", "prores",
        "ffvhuff", "huffyuv", "magicyuv", "utvideo",
        "gif",
        "rawvideo", "v210",
    ]
)
# fmt: on
_MOTION_JPEG = "mjpeg"
_EXIF = b"Exif"
_SCAN = b"\xff\xda"  # never occurs in entropy-coded data


@cache
def probing_decoders() -> str:
    """Return the `codec_whitelist` of FFmpeg for opening a file, when packets are decoded before `prepare_packet`.

    It includes sound decoders, which determine the sampling rate. It excludes Motion JPEG, whose containers declare the
    frame size.
    """
    import av

    sound = [name for name in av.codecs_available if _is_sound_decoder(name)]
    return ",".join(sorted({*sound, *VIDEO_DECODERS} - {_MOTION_JPEG}))


def check_codec(stream: Any, path: Path) -> None:
    """Check that the decoder of a stream is one of `VIDEO_DECODERS`.

    Raises:
        ValueError: if it is not.
    """
    name = stream.codec_context.codec.name
    if name not in VIDEO_DECODERS:
        raise ValueError(
            f"{path} must contain a video of a common codec such as H.264, but got {name}; `ffmpeg -i FILE -c:v libx264 "
            "NEW.mp4` converts a trusted file"
        )


def prepare_packet(packet: Any, stream: Any) -> None:
    """Change the signature of EXIF data in a packet of Motion JPEG, so that the decoder skips it.

    Packets of other codecs are unchanged.

    Raises:
        ValueError: if a packet of Motion JPEG has more than `MAX_SCANS` scans, each of which is a pass over the frame.
    """
    if stream.codec_context.codec.name != _MOTION_JPEG:
        return
    data = bytes(packet)
    scans = data.count(_SCAN)
    if scans > MAX_SCANS:
        raise ValueError(f"`packet` must have at most {MAX_SCANS} scans, but it has {scans}")
    # Replace all occurrences, without parsing; in pixel data, the signature occurs by chance once in 4 GB.
    if _EXIF in data:
        packet.update(data.replace(_EXIF, _EXIF.lower()))


def _is_sound_decoder(name: str) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        return Codec(name, "r").type == "audio"
    except UnknownCodecError:  # an encoder
        return False
