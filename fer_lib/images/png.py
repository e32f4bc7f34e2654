"""PNG (W3C, third edition): read size and orientation, and remove the chunks that the pixels do not need.

A text or a colour profile of 8 kB may decompress to 8 MB, and libpng keeps each. Therefore the decoder gets only the
chunks that change the pixels; of an animation, those of the default image.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from fer_lib.images.exif import read_orientation
from fer_lib.images.image_file import ImageFile

# Encoders write pixel data in chunks of 8 kB or more: 100 MB are some 12,000.
MAX_CHUNKS = 50_000
# Pixel data up to this size is not checked: it decompresses to 130 MB at most, in some 0.3 s.
UNCHECKED_BYTES = 128_000
# Some encoders write a little more data than the image needs, which libpng ignores.
SPARE_BYTES = 1_000_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7 interlacing: first column, first row, column step and row step of each pass.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_KEPT = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
# Only the first of these is kept: libpng logs a warning of 32 bytes for each duplicate.
_KEPT_ONCE = frozenset([b"PLTE", b"tRNS"])


def parse_png(data: bytes) -> ImageFile:
    """Parse the chunks.

    Raises:
        ValueError: if there is an unknown critical chunk, or if there are too many chunks.
        struct.error: if the file is truncated.
    """
    pieces = [SIGNATURE]
    orientation, position = 1, len(SIGNATURE)
    seen: set[bytes] = set()
    for number in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise struct.error
        if kind in _KEPT:
            if (kind, length) != (b"IHDR", 13) if number == 0 else kind == b"IHDR":
                raise ValueError(
                    "`data` must be a PNG file that begins with its only header, but its header is misplaced"
                )
            if kind not in seen or kind not in _KEPT_ONCE:
                pieces.append(data[position:end])
            seen.add(kind)
        elif not kind[0] & 0x20:  # an upper-case first letter: critical
            raise ValueError(f"`data` must be a PNG file of standard chunks, but it has the critical chunk {kind!r}")
        elif kind == b"eXIf" and orientation == 1:
            orientation = read_orientation(data[position + 8 : end - 4])
        position = end
        if kind == b"IEND":
            break
    else:
        raise ValueError(f"`data` must have at most {MAX_CHUNKS} chunks, but it has more than {MAX_CHUNKS} chunks")
    if length:  # OpenCV continues to read behind an IEND that is not empty
        raise struct.error
    width, height = struct.unpack_from(">II", data, 16)
    return ImageFile(width, height, b"".join(pieces), orientation)


def check_pixel_data(data: bytes) -> None:
    """Check that the pixel data does not decompress to more than the image needs, which libpng would also decompress.

    Args:
        data: a file from `parse_png` whose number of pixels is permitted.

    Raises:
        ValueError: if it does, or the header has no standard colour type.
    """
    spans = list(_find_pixel_data(data))
    if sum(end - start for start, end in spans) <= UNCHECKED_BYTES:
        return
    remaining = decompressed_size(data[16:29]) + SPARE_BYTES
    decompressor = zlib.decompressobj()
    for start, end in spans:
        compressed = data[start:end]
        while compressed and not decompressor.eof:
            try:
                remaining -= len(decompressor.decompress(compressed, 1_000_000))
            except zlib.error:  # the decoder stops here as well
                return
            if remaining < 0:
                raise ValueError(
                    "`data` must have as much pixel data as its size needs, but its pixel data decompresses to more"
                )
            compressed = decompressor.unconsumed_tail


def _find_pixel_data(data: bytes) -> Iterator[tuple[int, int]]:
    position = len(SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IDAT":
            yield position + 8, position + 8 + length
        position += 12 + length


def decompressed_size(header: bytes) -> int:
    """Compute the number of bytes of decompressed pixel data from the 13 bytes of the PNG header.

    Raises:
        ValueError: if the colour type, the bit depth or the interlacing is not standard.
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
