"""JPEG (ITU-T T.81): read size, scans and orientation from the markers, and remove metadata.

Each scan, of 42 bytes or more, costs the decoder a pass over the whole image, and decoding can't be interrupted. Markers
are match by the same rule as in libjpeg, so that it decodes no scan that is not counted here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fer_lib.images.exif import read_orientation
from fer_lib.images.image_file import ImageFile

# The default progressive script of libjpeg has 10 scans; optimizing encoders write some 20.
MAX_SCANS = 100
# 8 MB of ICC, XMP or depth map are 128 segments of 64 kB; each scan may have tables.
MAX_SEGMENTS = 2000
# A marker with a length, or SOI, or EOI. libjpeg skips all others, as well as stuffed zeros and fill bytes.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
# Baseline, extended and progressive with Huffman coding: the ones that browsers support.
_FRAMES = frozenset([0xC0, 0xC1, 0xC2])
_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - _FRAMES - {0xC4, 0xCC}
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
# Metadata: APP1 to APP15 and comments. APP0 (JFIF) and APP14 (Adobe) define the colour encoding.
_METADATA = frozenset([*range(0xE1, 0xF0), 0xFE]) - {0xEE}


@dataclass(frozen=True)
class _Segment:
    """A marker segment; entropy-coded data or padding from `before` to `at`, its length and content from `start` to `end`."""

    marker: int
    before: int
    at: int
    start: int
    end: int


def parse_jpeg(data: bytes) -> ImageFile:
    """Parse the markers of the first image in the file; data behind it (MPO, appended files) is dropped.

    Raises:
        ValueError: if it is not a JPEG, has an unsupported coding, or too many scans or segments.
        struct.error: if its header is truncated.
    """
    pieces = [data[:2]]
    size: tuple[int, int] | None = None
    scans, exif, marker, end = 0, None, _SOI, 2
    for segment in _walk_segments(data):
        if segment.marker in _FRAMES:
            size = _read_frame(data, segment, size)
        elif segment.marker == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise ValueError(f"`data` must have at most {MAX_SCANS} scans, but it has more than {MAX_SCANS} scans")
            if not size:
                raise ValueError("`data` must be a JPEG file, but a scan begins before the frame header")
        elif segment.marker == _APP1 and exif is None and data.startswith(b"Exif\0\0", segment.start + 2):
            exif = data[segment.start + 8 : segment.end]
        if segment.marker in _METADATA:  # without fill bytes, which would form a marker with the next byte
            pieces.append(data[segment.before : segment.at].rstrip(b"\xff"))
        else:
            pieces.append(data[segment.before : segment.end])
        marker, end = segment.marker, segment.end
    if not size or not scans:
        raise ValueError("`data` must be a JPEG file with a scan, but it has none")
    if marker != _EOI:  # truncated within a scan: the decoder can still decode the part before
        pieces.append(data[end:])
    return ImageFile(*size, b"".join(pieces), read_orientation(exif or b""), scans)


def _walk_segments(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the end of the image or, in a truncated scan, of the data."""
    position, in_header = 2, True
    for _ in range(MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if in_header and (
            match is None or data[position : match.start()].strip(b"\xff")
        ):  # only fill bytes are permitted between
            raise ValueError(f"`data` must be a JPEG file, but a segment is missing at byte {position}")
        if match is None:
            return
        marker, start = data[match.end() - 1], match.end()
        if marker == _EOI:
            yield _Segment(marker, position, match.start(), start, start)
            return
        if marker == _SOI or marker in _OTHER_FRAMES:
            raise ValueError(
                f"`data` must be a baseline or progressive JPEG of one frame, but it has the marker 0x{marker:02X}"
            )
        (length,) = struct.unpack_from(">H", data, start)
        if length < 2:
            raise ValueError(f"`data` must be a JPEG file, but a segment at byte {start} has a length of {length}")
        yield _Segment(marker, position, match.start(), start, start + length)
        position, in_header = start + length, in_header and marker != _SOS
    raise ValueError(f"`data` must have at most {MAX_SEGMENTS} segments, but it has more than {MAX_SEGMENTS} segments")


def _read_frame(data: bytes, segment: _Segment, earlier: tuple[int, int] | None) -> tuple[int, int]:
    precision, height, width = struct.unpack_from(">BHH", data, segment.start + 2)
    if earlier:
        raise ValueError("`data` must be a JPEG of one frame, but it has a second frame header")
    if precision != 8:
        raise ValueError(f"`data` must be a JPEG of 8 bits a sample, but it has {precision} bits")
    return width, height
