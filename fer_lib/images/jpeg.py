"""JPEG (ITU T.81): size, number of scans and orientation from the markers, and the file without metadata.

A scan of 42 bytes makes the decoder pass over the whole image once more, and decoding can't be interrupted. Markers are
found by the rule of libjpeg, so that it sees no scan that is not counted here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fer_lib.images.exif import read_orientation
from fer_lib.images.image_file import ImageFile

# libjpeg's standard progressive script has 10 scans, optimizing encoders write some 20.
MAX_SCANS = 100
# 8 MB of ICC, XMP or depth map in segments of 64 kB are 128; each scan may bring tables.
MAX_SEGMENTS = 2000
# A marker with a length, or SOI, or EOI. All others are skipped by libjpeg, as stuffed zeros and fill bytes are.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
# Baseline, extended and progressive, Huffman-coded: the ones that browsers show.
_FRAMES = frozenset([0xC0, 0xC1, 0xC2])
_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - _FRAMES - {0xC4, 0xCC}
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
# Metadata: APP1 to APP15 and comments. APP0 (JFIF) and APP14 (Adobe) say how colours are coded.
_METADATA = frozenset([*range(0xE1, 0xF0), 0xFE]) - {0xEE}


@dataclass(frozen=True)
class _Segment:
    """A marker with its content: the bytes `before` it are entropy-coded data or padding, from `start` on its length."""

    marker: int
    before: int
    at: int
    start: int
    end: int


def parse_jpeg(data: bytes) -> ImageFile:
    """Walk over the markers of the first image in the file; what follows it (MPO, appended files) is cut off.

    Raises:
        ValueError: if it is no JPEG, of an unusual coding, or has too many scans or segments.
        struct.error: if its header is cut.
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
        if segment.marker in _METADATA:  # without fill bytes, which would make a marker of what follows
            pieces.append(data[segment.before : segment.at].rstrip(b"\xff"))
        else:
            pieces.append(data[segment.before : segment.end])
        marker, end = segment.marker, segment.end
    if not size or not scans:
        raise ValueError("`data` must be a JPEG file with a scan, but it has none")
    if marker != _EOI:  # cut within a scan: the decoder may still show the rest
        pieces.append(data[end:])
    return ImageFile(*size, b"".join(pieces), read_orientation(exif or b""), scans)


def _walk_segments(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the end of the image, or of the data within a scan."""
    place, in_header = 2, True
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, place)
        if in_header and (
            found is None or data[place : found.start()].strip(b"\xff")
        ):  # only fill bytes may lie between
            raise ValueError(f"`data` must be a JPEG file, but a segment is missing at byte {place}")
        if found is None:
            return
        marker, start = data[found.end() - 1], found.end()
        if marker == _EOI:
            yield _Segment(marker, place, found.start(), start, start)
            return
        if marker == _SOI or marker in _OTHER_FRAMES:
            raise ValueError(
                f"`data` must be a baseline or progressive JPEG of one frame, but it has the marker 0x{marker:02X}"
            )
        (length,) = struct.unpack_from(">H", data, start)
        if length < 2:
            raise ValueError(f"`data` must be a JPEG file, but a segment at byte {start} has a length of {length}")
        yield _Segment(marker, place, found.start(), start, start + length)
        place, in_header = start + length, in_header and marker != _SOS
    raise ValueError(f"`data` must have at most {MAX_SEGMENTS} segments, but it has more than {MAX_SEGMENTS} segments")


def _read_frame(data: bytes, segment: _Segment, earlier: tuple[int, int] | None) -> tuple[int, int]:
    precision, height, width = struct.unpack_from(">BHH", data, segment.start + 2)
    if earlier:
        raise ValueError("`data` must be a JPEG of one frame, but it has a second frame header")
    if precision != 8:
        raise ValueError(f"`data` must be a JPEG of 8 bits a sample, but it has {precision} bits")
    return width, height
