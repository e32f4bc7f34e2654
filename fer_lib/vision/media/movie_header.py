"""Check the header of MP4 and MOV files (ISO/IEC 14496-12) before FFmpeg reads it.

A few bytes of a header can cause gigabytes of memory: FFmpeg allocates some 60 bytes for each sample that a table
claims, whether the file is large enough for it or not, and for each pair of sample and edit. It also decompresses
compressed headers of any size, and reads the EXIF data of still images (HEIF).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

# Permitted types of the first box of a file.
FIRST_BOXES = frozenset(
    b"ftyp styp moov moof mdat free skip wide pnot uuid udta junk pict prfl hoov sidx mfra PICT".split()
)
MAX_SAMPLES = 5_000_000  # of all tracks: 10 hours of 60 frames a second with sound have 4,000,000
MAX_EDITS = 100  # entries of an edit list, each of which may repeat all samples; most files have at most 3
MAX_EDITED_SAMPLES = 20_000_000  # samples times edits
MAX_BOXES = 1_000_000  # at the top level; a fragmented file has two for each fragment
_CHUNK = 1 << 20
_OVERLAP = 32  # bytes; the fields that are read behind a name are within this distance
_TABLES = re.compile(b"cmov|iloc|stsz|stz2|trun|elst|stts")


@dataclass
class _Claims:
    samples: int = 0
    edits: int = 1
    is_compressed: bool = False
    has_still_images: bool = False


def is_movie(head: bytes) -> bool:
    """Return whether the first 8 bytes of a file are those of MP4 or MOV."""
    return head[4:8] in FIRST_BOXES


def check_movie_header(file: BinaryIO) -> None:
    """Check that the tables of a file claim no more samples than permitted; changes the file position.

    All data outside of `mdat` is searched for the names of tables instead of being parsed, because FFmpeg also reads
    tables in boxes where they are not permitted.

    Raises:
        ValueError: with a message that continues the name of the file.
    """
    size = file.seek(0, SEEK_END)
    claims, pcm, constant = _Claims(), set[int](), list[tuple[int, int]]()
    for data in _header_parts(file, size):
        for match in _TABLES.finditer(
            data, 0, len(data) - _OVERLAP + 3
        ):  # also names across the boundary of two chunks
            _read_table(match[0], data[match.end() : match.end() + 20], claims, pcm, constant)
    for sample_bytes, count in constant:
        # Uncompressed sound is read by chunks; other samples take memory each.
        if sample_bytes * count > size or count not in pcm:
            claims.samples += count
    if claims.is_compressed:
        raise ValueError("must have an uncompressed header, but it is compressed (an obsolete form of QuickTime)")
    if claims.has_still_images:
        raise ValueError("must contain a video only, but it has still images (HEIF or AVIF)")
    if claims.samples > MAX_SAMPLES:
        raise ValueError(f"must have at most {MAX_SAMPLES:,} samples, but its header claims {claims.samples:,}")
    if claims.edits > MAX_EDITS or claims.samples * claims.edits > MAX_EDITED_SAMPLES:
        raise ValueError(
            f"must have at most {MAX_EDITS} edits and {MAX_EDITED_SAMPLES:,} edited samples, but its header claims "
            f"{claims.edits:,} edits of {claims.samples:,} samples"
        )


def _read_table(name: bytes, fields: bytes, claims: _Claims, pcm: set[int], constant: list[tuple[int, int]]) -> None:
    _, first, second, third = struct.unpack(">IIII", fields[:16])
    if name == b"cmov":
        claims.is_compressed = True
    elif name == b"iloc":
        claims.has_still_images = True
    elif name == b"stts" and (first, third) == (1, 1):  # a single entry: all samples have a duration of one tick
        pcm.add(second)
    elif name == b"stsz" and first > 0:
        constant.append((first, second))
    elif name in (b"stsz", b"stz2"):
        claims.samples += second
    elif name == b"trun":
        claims.samples += first
    elif name == b"elst":
        claims.edits = max(claims.edits, first)


def _header_parts(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield all data outside of `mdat`, in chunks that overlap by `_OVERLAP` bytes."""
    position = 0
    for _ in range(MAX_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        end = size if length == 0 else min(position + length, size)
        if end - position < 8:
            return
        if head[4:8] != b"mdat":
            yield from _chunks(file, position, end)
        position = end
    raise ValueError(f"must have at most {MAX_BOXES:,} boxes, but has more")


def _chunks(file: BinaryIO, position: int, end: int) -> Iterator[bytes]:
    while position < end:
        file.seek(position)
        length = min(_CHUNK, end - position)
        yield file.read(length + _OVERLAP).ljust(length + _OVERLAP, b"\0")
        position += length
