"""PNG (W3C, third edition): size and orientation, and the file without the chunks that the pixels don't need.

A text or a colour profile of 8 kB may unpack to 8 MB, and libpng keeps each. Only the chunks that change the pixels
reach it; of an animation that is the default image.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from fer_lib.images.exif import read_orientation
from fer_lib.images.image_file import ImageFile

# Encoders write pixel data in chunks of 8 kB or more: 100 MB are some 12,000.
MAX_CHUNKS = 50_000
# So much pixel data is not unpacked for a check: it unpacks to 130 MB at most, in some 0.3 s.
UNCHECKED_BYTES = 128_000
# Some encoders write a little more than the image needs, which libpng ignores.
SPARE_BYTES = 1_000_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column, first row, and the steps of each pass.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_KEPT = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
# Of these the decoder gets the first: for each other one libpng would write a warning of 32 bytes into the log.
_KEPT_ONCE = frozenset([b"PLTE", b"tRNS"])


def parse_png(data: bytes) -> ImageFile:
    """Walk over the chunks.

    Raises:
        ValueError: if a chunk is unknown and critical, or if there are too many.
        struct.error: if the file is cut.
    """
    pieces = [SIGNATURE]
    orientation, place = 1, len(SIGNATURE)
    seen: set[bytes] = set()
    for number in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise struct.error
        if kind in _KEPT:
            if (kind, length) != (b"IHDR", 13) if number == 0 else kind == b"IHDR":
                raise ValueError(
                    "`data` must be a PNG file that begins with its only header, but its header is misplaced"
                )
            if kind not in seen or kind not in _KEPT_ONCE:
                pieces.append(data[place:end])
            seen.add(kind)
        elif not kind[0] & 0x20:  # a capital first letter: critical
            raise ValueError(f"`data` must be a PNG file of standard chunks, but it has the critical chunk {kind!r}")
        elif kind == b"eXIf" and orientation == 1:
            orientation = read_orientation(data[place + 8 : end - 4])
        place = end
        if kind == b"IEND":
            break
    else:
        raise ValueError(f"`data` must have at most {MAX_CHUNKS} chunks, but it has more than {MAX_CHUNKS} chunks")
    if length:  # OpenCV would read on behind an end that is not empty
        raise struct.error
    width, height = struct.unpack_from(">II", data, 16)
    return ImageFile(width, height, b"".join(pieces), orientation)


def check_pixel_data(data: bytes) -> None:
    """Refuse pixel data that unpacks to more than the image holds: libpng would unpack all of it, for nothing.

    Args:
        data: what `parse_png` left of a file whose size has been judged: up to so many pixels are unpacked.

    Raises:
        ValueError: if it does, or the header is of no standard.
    """
    spans = list(_find_pixel_data(data))
    if sum(end - start for start, end in spans) <= UNCHECKED_BYTES:
        return
    left = unpacked_size(data[16:29]) + SPARE_BYTES
    unpacker = zlib.decompressobj()
    for start, end in spans:
        packed = data[start:end]
        while packed and not unpacker.eof:
            try:
                left -= len(unpacker.decompress(packed, 1_000_000))
            except zlib.error:  # the decoder ends here as well
                return
            if left < 0:
                raise ValueError(
                    "`data` must hold as many pixels as its header says, but its pixel data unpacks to more"
                )
            packed = unpacker.unconsumed_tail


def _find_pixel_data(data: bytes) -> Iterator[tuple[int, int]]:
    place = len(SIGNATURE)
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            yield place + 8, place + 8 + length
        place += 12 + length


def unpacked_size(header: bytes) -> int:
    """Return how many bytes the pixel data of a PNG unpacks to, by the 13 bytes of its header.

    Raises:
        ValueError: if the colour type, the bit depth or the interlacing is none of the standard.
    """
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16) or interlaced > 1:
        raise ValueError(
            f"`data` must be a PNG of a standard colour type, but its colour type is {colour} of {depth} bits"
        )
    bits = depth * _CHANNELS[colour]
    size = 0
    for left, top, step_x, step_y in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    return size
