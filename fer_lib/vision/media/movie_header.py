"""Check the header of MP4 and MOV files before FFmpeg reads it: a few bytes of it can claim gigabytes of memory.

FFmpeg makes an entry of some 60 bytes for each sample that a table claims to have, whether the file can hold them or
not, and one for each sample and edit. It also unpacks compressed headers of any size, and reads the EXIF data of
still images (HEIF).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

# How the first box of a file may be called.
FIRST_BOXES = frozenset(
    b"ftyp styp moov moof mdat free skip wide pnot uuid udta junk pict prfl hoov sidx mfra PICT".split()
)
MAX_SAMPLES = 5_000_000  # of all tracks: 10 hours of 60 frames a second with sound have 4,000,000
MAX_EDITS = 100  # entries of an edit list, each of which may repeat all samples; few files have more than 3
MAX_EDITED_SAMPLES = 20_000_000  # samples times edits
MAX_BOXES = 1_000_000  # at the top level; a fragmented file has two for each fragment
_CHUNK = 1 << 20
_OVERLAP = 32  # bytes; what is read behind a name lies within
_TABLES = re.compile(b"cmov|iloc|stsz|stz2|trun|elst|stts")


@dataclass
class _Claims:
    samples: int = 0
    edits: int = 1
    is_compressed: bool = False
    has_still_images: bool = False


def is_movie(head: bytes) -> bool:
    """Whether a file begins like MP4 or MOV, of its first 8 bytes."""
    return head[4:8] in FIRST_BOXES


def check_movie_header(file: BinaryIO) -> None:
    """Make sure that the tables of a file claim no more than it can hold; the position changes.

    What does not hold samples is searched for the names of tables, not parsed: FFmpeg finds tables in places where
    none belong.

    Raises:
        ValueError: with the rest of a sentence that begins with the file's name.
    """
    size = file.seek(0, SEEK_END)
    claims, pcm, constant = _Claims(), set[int](), list[tuple[int, int]]()
    for data in _header_parts(file, size):
        for match in _TABLES.finditer(data, 0, len(data) - _OVERLAP + 3):  # names across the border of two pieces too
            _read_table(match[0], data[match.end() : match.end() + 20], claims, pcm, constant)
    for sample_bytes, count in constant:
        # Sound without compression is read by chunks; all else takes memory for each sample.
        if sample_bytes * count > size or count not in pcm:
            claims.samples += count
    if claims.is_compressed:
        raise ValueError("must have a plain header, but it is compressed, as only old QuickTime wrote it")
    if claims.has_still_images:
        raise ValueError("must hold a video only, but it holds still images and their EXIF data (HEIF or AVIF)")
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
    elif name == b"stts" and (first, third) == (1, 1):  # one entry: so many samples that last one tick each
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
    """Yield all that is outside of `mdat`, in pieces that overlap, each with `_OVERLAP` bytes more."""
    place = 0
    for _ in range(MAX_BOXES):
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        end = size if length == 0 else min(place + length, size)
        if end - place < 8:
            return
        if head[4:8] != b"mdat":
            yield from _pieces(file, place, end)
        place = end
    raise ValueError(f"must have at most {MAX_BOXES:,} boxes, but has more")


def _pieces(file: BinaryIO, place: int, end: int) -> Iterator[bytes]:
    while place < end:
        file.seek(place)
        length = min(_CHUNK, end - place)
        yield file.read(length + _OVERLAP).ljust(length + _OVERLAP, b"\0")
        place += length
