"""TIFF 6.0: validate the first image, and write a new directory (IFD) with the checked tags only.

libtiff loads the value of every tag, also of unknown ones: a thousand tags may refer to the same 8 MB. Of duplicate tags
it uses the first. Therefore a new directory with each tag once is appended to the file and replaces the old one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fer_lib.images.exif import ORIENTATION
from fer_lib.images.image_file import ImageFile
from fer_lib.images.jpeg import parse_jpeg

_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7
_BYTES_OF = {_BYTE: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _UNDEFINED: 1}
_NUMBERS = (_SHORT, _LONG)
# Strips or tiles: 50 megapixels in tiles of 16 × 16.
_MAX_PARTS = 200_000
WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS = 256, 257, 258, 259, 277, 278
STRIP_OFFSETS, STRIP_BYTES, PLANAR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = (
    273,
    279,
    284,
    322,
    323,
    324,
    325,
)
# The tags that the pixels depend on, with their permitted types and largest number of values.
_TAGS = {
    **dict.fromkeys((WIDTH, HEIGHT, COMPRESSION, 262, 266, ORIENTATION, SAMPLES, ROWS, PLANAR), (_NUMBERS, 1)),
    **dict.fromkeys((292, 293, 317, TILE_WIDTH, TILE_HEIGHT, 531), (_NUMBERS, 1)),
    **dict.fromkeys((BITS, 338, 339), ((_SHORT,), 8)),
    **dict.fromkeys((STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES), (_NUMBERS, _MAX_PARTS)),
    320: ((_SHORT,), 3 * 65536),  # palette
    347: ((_BYTE, _UNDEFINED), 65536),  # tables of JPEG
    529: ((_RATIONAL,), 3),
    530: ((_SHORT,), 2),
    532: ((_RATIONAL,), 6),
}
_TILE_TAGS = (TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES)
# None, CCITT, LZW, JPEG, Deflate, PackBits, old Deflate. Not the old JPEG (6), which libtiff does not fully support.
_JPEG = 7
_COMPRESSIONS = frozenset([1, 2, 3, 4, 5, _JPEG, 8, 32773, 32946])
MAX_BITS, MAX_SAMPLES = 16, 5
# A tile may be larger than a small image.
USUAL_TILE_PIXELS = 1024 * 1024


@dataclass(frozen=True)
class _Entry:
    kind: int
    count: int
    raw: bytes
    values: tuple[int, ...]


def parse_tiff(data: bytes) -> ImageFile:
    """Parse and check the first directory, and write a new one.

    Raises:
        ValueError: if a required tag is missing, duplicated or of a type or count that TIFF 6.0 does not define, or if
            strips or tiles are larger than the image needs.
        struct.error: if the file is truncated.
    """
    order = "<" if data.startswith(b"II") else ">"
    entries = _read_directory(data, order)
    width, height = _first_value(entries, WIDTH), _first_value(entries, HEIGHT)
    _check_samples(entries)
    offsets, lengths, part_size = _check_parts(entries, width, height, len(data))
    scans = 1
    if _first_value(entries, COMPRESSION, 1) == _JPEG:
        scans = max(_count_scans(data[o : o + n], part_size) for o, n in zip(offsets, lengths, strict=True))
    orientation = entries.pop(ORIENTATION, None)
    upright = orientation.values[0] if orientation and 1 <= orientation.values[0] <= 8 else 1
    return ImageFile(width, height, _write_directory(data, order, entries), upright, scans)


def _read_directory(data: bytes, order: str) -> dict[int, _Entry]:
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries: dict[int, _Entry] = {}
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, n = struct.unpack_from(f"{order}HHI", data, position)
        if tag not in _TAGS:
            if position + 12 > len(data):
                raise struct.error
            continue
        kinds, max_count = _TAGS[tag]
        if kind not in kinds or not 1 <= n <= max_count or tag in entries:
            raise ValueError(
                f"`data` must have TIFF tag {tag} once in its standard form, but got type {kind}, count {n}"
            )
        values = _read_values(data, order, position + 8, kind, n)
        entries[tag] = _Entry(kind, n, data[position : position + 12], values)
    return entries


def _read_values(data: bytes, order: str, position: int, kind: int, count: int) -> tuple[int, ...]:
    """Return the values of a numeric tag; they are stored in its entry if they fit into four bytes, else at an offset."""
    size = _BYTES_OF[kind] * count
    if size > 4:
        (position,) = struct.unpack_from(f"{order}I", data, position)
    if position + size > len(data):
        raise struct.error
    if kind not in _NUMBERS:
        return ()
    return struct.unpack_from(f"{order}{count}{'H' if kind == _SHORT else 'I'}", data, position)


def _first_value(entries: dict[int, _Entry], tag: int, default: int | None = None) -> int:
    if tag in entries:
        return entries[tag].values[0]
    if default is None:
        raise ValueError(f"`data` must have TIFF tag {tag}, but it is missing")
    return default


def _check_samples(entries: dict[int, _Entry]) -> None:
    bits = entries[BITS].values if BITS in entries else (1,)
    samples, compression = _first_value(entries, SAMPLES, 1), _first_value(entries, COMPRESSION, 1)
    if not 1 <= max(bits) <= MAX_BITS or not 1 <= samples <= MAX_SAMPLES:
        limits = f"{MAX_SAMPLES} samples of {MAX_BITS} bits a pixel"
        raise ValueError(f"`data` must have at most {limits}, but got {samples} of {max(bits)}")
    if compression not in _COMPRESSIONS:
        allowed = ", ".join(map(str, sorted(_COMPRESSIONS)))
        raise ValueError(f"`data` must have a TIFF compression of {allowed}, but got {compression}")


def _check_parts(
    entries: dict[int, _Entry], width: int, height: int, file_size: int
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return offsets of the strips or tiles, their lengths in bytes, and the largest number of pixels of each.

    Raises:
        ValueError: if they are fewer than the image needs, larger than the image, or share bytes of the file.
    """
    tiled = any(tag in entries for tag in _TILE_TAGS)
    if tiled and any(tag in entries for tag in (STRIP_OFFSETS, STRIP_BYTES)):
        raise ValueError("`data` must be a TIFF file with strips or tiles, but it has both")
    if tiled:
        part_width, part_height = _first_value(entries, TILE_WIDTH), _first_value(entries, TILE_HEIGHT)
        names = TILE_OFFSETS, TILE_BYTES
    else:
        part_width, part_height = width, min(_first_value(entries, ROWS, height), height)
        names = STRIP_OFFSETS, STRIP_BYTES
    if not part_width or not part_height or any(name not in entries for name in names):
        raise ValueError("`data` must be a TIFF file with strips or tiles, but it has none")
    offsets, lengths = (entries[name].values for name in names)
    part_size = part_width * part_height
    needed = -(-width // part_width) * -(-height // part_height)
    planes = _first_value(entries, SAMPLES, 1) if _first_value(entries, PLANAR, 1) == 2 else 1
    if not needed * planes <= len(offsets) == len(lengths):
        actual = f"{len(offsets)} offsets and {len(lengths)} lengths"
        raise ValueError(f"`data` must have {needed * planes} strips or tiles, but got {actual}")
    if tiled and (
        part_size > width * height + USUAL_TILE_PIXELS
        or needed * part_size > 2 * width * height + 4 * USUAL_TILE_PIXELS
    ):
        raise ValueError(f"`data` must have tiles that fit its image, but got {part_width} × {part_height}")
    if sum(lengths) > file_size:
        raise ValueError(f"`data` must have at least {sum(lengths)} bytes for its pixels, but got {file_size}")
    return offsets, lengths, part_size


def _count_scans(part: bytes, max_pixels: int) -> int:
    image = parse_jpeg(part)
    if image.width * image.height > max_pixels:
        raise ValueError(
            f"`data` must have strips or tiles of at most {max_pixels} pixels, but one has {image.width} × {image.height}"
        )
    return image.scans


def _write_directory(data: bytes, order: str, entries: dict[int, _Entry]) -> bytes:
    """Append a directory to the file and make it the only one; offsets within the file stay valid."""
    padding = bytes(len(data) % 2)
    table = b"".join(entries[tag].raw for tag in sorted(entries))
    directory = struct.pack(f"{order}H", len(entries)) + table + bytes(4)
    start = struct.pack(f"{order}I", len(data) + len(padding))
    return b"".join([data[:4], start, data[8:], padding, directory])
