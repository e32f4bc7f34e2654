"""Small image files that cost a decoder seconds or hundreds of megabytes, unless their headers are checked first."""

from __future__ import annotations

import struct
import zlib
from functools import cache

SIDE = 8  # pixels
TEXT_BYTES = 7_900_000  # just below libpng's limit of 8 MB for a text


@cache
def costly_images(kinds: tuple[str, ...] = ("JPEG", "PNG", "WebP")) -> dict[str, bytes]:
    """Return files by name, of the formats that `kinds` lists.

    A name is the format and the costly property; files whose names end in `shown` are decoded, the others are refused.
    """
    made = {**_pngs(), **_jpegs(), **_webps(), **_tiffs()}
    return {name: data for name, data in made.items() if name.startswith(kinds)}


def _pngs() -> dict[str, bytes]:
    packed = zlib.compress(b"a" * TEXT_BYTES, 9)
    texts = {
        "zTXt": b"k\0\0" + packed,
        "iTXt": b"k\0\1\0\0\0" + packed,
        "iCCP": b"k\0\0" + packed,
        "tEXt": b"k\0" + bytes(1_000_000),
        "sPLT": b"k\0\x08" + bytes(6 * 150_000),
        "eXIf": make_exif_of_texts(1_000_000),
        "fdAT": bytes(4) + packed,
    }
    files = {
        f"PNG with {kind}, shown": make_png(make_chunk(kind.encode(), data) * (40 if len(data) < 10_000 else 1))
        for kind, data in texts.items()
    }
    animation = struct.pack(">IIIIIHHBB", 0, SIDE, SIDE, 0, 0, 1, 1, 0, 0)
    frames = make_chunk(b"acTL", struct.pack(">II", 2**30, 0)) + make_chunk(b"fcTL", animation)
    return {
        **files,
        "PNG with an animation header, shown": make_png(frames),
        "PNG with longer pixel data": make_png(packed=_pack_long(200)),
        "PNG with longer pixel data in many chunks": make_png(packed=_pack_long(200), chunk_bytes=1000),
        "PNG with empty chunks": make_png(make_chunk(b"IDAT", b"") * 60_000),
        "PNG with an unknown critical chunk": make_png(make_chunk(b"CgBI", bytes(4))),
        "PNG with a second header": make_png(make_png()[8:33]),
    }


def _jpegs() -> dict[str, bytes]:
    comment = make_segment(0xFE, b"\xff\xd9\xff\xda")
    scan = make_scan()
    hidden = b"\xff" + make_segment(0xFE, b"") + scan[1:]  # without the comment, FF and the next byte form a marker
    return {
        "JPEG with many scans": make_jpeg(scans=200),
        "JPEG with many scans behind comments": make_jpeg(scans=200, before_scan=comment),
        "JPEG with many scans behind fill bytes": make_jpeg(scans=200, before_scan=b"\xff" * 9),
        "JPEG with many scans behind restarts": make_jpeg(scans=200, before_scan=b"\xff\xd3\0\xff\0"),
        "JPEG with many scans in the content of no segment": make_jpeg(tail=b"\xff\x02\xff\xff" + scan * 200),
        "JPEG with a scan hidden by a comment, shown": make_jpeg(tail=hidden * 200),
        "JPEG with two frames": make_jpeg(before_scan=make_frame_header()),
        "JPEG of arithmetic coding": make_jpeg(frame=0xCA),
        "JPEG of lossless coding": make_jpeg(frame=0xC3),
        "JPEG of a hierarchy": make_jpeg(frame=0xC5),
        "JPEG with 3,000 comments": make_jpeg(tail=make_segment(0xFE, b"") * 3000),
        "JPEG with an EXIF of texts, shown": make_jpeg(
            head=make_segment(0xE1, b"Exif\0\0" + make_exif_of_texts(60_000))
        ),
    }


def _webps() -> dict[str, bytes]:
    canvas = _riff_chunk(b"VP8X", b"\x08\0\0\0" + struct.pack("<I", SIDE - 1)[:3] * 2)
    large = _riff_chunk(b"VP8X", b"\0\0\0\0" + struct.pack("<I", 2000)[:3] * 2)
    image = _riff_chunk(b"VP8L", make_vp8l())
    exif = _riff_chunk(b"EXIF", make_exif_of_texts(300_000))
    profile = _riff_chunk(b"ICCP", bytes(1_000_000))
    return {
        "WebP with an EXIF of texts, shown": _riff(canvas + image + exif),
        "WebP with a profile, shown": _riff(canvas + profile + image),
        "WebP with a larger canvas": _riff(large + image),
        "WebP of its canvas": _riff(large),
        "WebP with 65,536 prefix codes": make_webp(make_vp8l_of_groups(1024, 65_536)),
        "WebP with empty chunks": _riff(canvas + _riff_chunk(b"XMP ", b"") * 60_000 + image),
    }


def _tiffs() -> dict[str, bytes]:
    usual = {
        256: (4, SIDE),
        257: (4, SIDE),
        258: (3, 8),
        259: (3, 1),
        262: (3, 1),
        273: (4, 0),
        277: (3, 1),
        279: (4, 64),
    }
    tiles = {**usual, 259: (3, 8), 322: (4, 16_000), 323: (4, 16_000), 324: (4, 0), 325: (4, 64)}
    del tiles[273], tiles[279]
    shared = [(40_000 + number, 1, 2_000_000, 10) for number in range(1000)]
    return {
        "TIFF with its size twice": make_tiff([(256, 4, 1, 12_000), (257, 4, 1, 12_000), *_entries(usual)]),
        "TIFF with a width of bytes": make_tiff(_entries({**usual, 256: (1, SIDE)})),
        "TIFF with two widths": make_tiff([(256, 3, 2, SIDE), *_entries(usual)[1:]]),
        "TIFF with tags that share a value, shown": make_tiff([*_entries(usual), *shared], bytes(2_000_000)),
        "TIFF with a large tile": make_tiff(_entries(tiles)),
        "TIFF with strips and tiles": make_tiff(_entries({**tiles, **usual, 322: (4, 16), 323: (4, 16)})),
        "TIFF with fewer strips than rows": make_tiff(_entries({**usual, 278: (4, 1)})),
        "TIFF with strips beyond the file": make_tiff(_entries({**usual, 279: (4, 2**31)})),
        "TIFF with 64 bits a sample": make_tiff(_entries({**usual, 258: (3, 64)})),
        "TIFF with 1,000 samples a pixel": make_tiff(_entries({**usual, 277: (3, 1000)})),
        "TIFF with a JPEG of many scans": make_tiff(
            [*_entries({**usual, 259: (3, 7), 279: (4, len(make_jpeg(scans=200)))})], make_jpeg(scans=200)
        ),
    }


def make_png(ancillary: bytes = b"", packed: bytes = b"", chunk_bytes: int = 10**9) -> bytes:
    """Return a grey PNG of 8 × 8 pixels with `ancillary` chunks before its pixel data (`packed`, or valid data)."""
    packed = packed or zlib.compress(_rows(), 9)
    parts = [packed[place : place + chunk_bytes] for place in range(0, len(packed), chunk_bytes)]
    head = make_chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0))
    data = b"".join(make_chunk(b"IDAT", part) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + head + ancillary + data + make_chunk(b"IEND", b"")


def make_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make_jpeg(
    scans: int = 1, head: bytes = b"", before_scan: bytes = b"", tail: bytes = b"", frame: int = 0xC2, side: int = SIDE
) -> bytes:
    """Return a grey progressive JPEG with many small scans that change no coefficient."""
    blocks = (-(-side // 8)) ** 2
    tables = make_segment(0xDB, b"\0" + b"\1" * 64)
    tables += make_segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0")
    tables += make_segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    first = make_segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(-(-blocks // 8))
    rest = (before_scan + make_scan(blocks)) * (scans - 1) if scans > 1 else before_scan
    return b"\xff\xd8" + head + tables + make_frame_header(frame, side) + first + rest + tail + b"\xff\xd9"


def make_segment(marker: int, data: bytes) -> bytes:
    """Return a JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def make_frame_header(marker: int = 0xC2, side: int = SIDE) -> bytes:
    """Return the frame header (SOF segment) of a grey JPEG."""
    return make_segment(marker, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")


def make_scan(blocks: int = 1) -> bytes:
    """Return a scan that refines no coefficient: one bit per block."""
    return make_segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) + bytes(-(-blocks // 8))


def make_exif_of_texts(size: int) -> bytes:
    """Return EXIF data of `size` bytes whose entries all refer to the same text, which is nearly as long."""
    count = min(65_535, (size - 100) // 24)
    entry = struct.pack("<HHII", 0x010E, 2, size - 20, 10)
    return (b"II*\0" + struct.pack("<IH", 8, count) + entry * count + bytes(4)).ljust(size, b"a")


def make_vp8l() -> bytes:
    """Return a lossless WebP bitstream of 8 × 8 black pixels, with one symbol per prefix code."""
    bits = f"{SIDE - 1:014b}"[::-1] * 2 + "0" + "000" + "0" + "0" + "0" + "1000" * 5
    bits = bits.ljust(80, "0")
    return b"\x2f" + int(bits[::-1], 2).to_bytes(10, "little")


def make_vp8l_of_groups(side: int, groups: int) -> bytes:
    """Return a lossless bitstream of black pixels whose 4 × 4 blocks use `groups` groups of prefix codes in turn.

    Each group takes 20 bits in the file and 5 kB in the decoder.
    """
    size = f"{side - 1:014b}"[::-1] * 2 + "0000"
    bytes_of_eight_bits = "0" + "0001" + "000" * 11 + "100"  # all code lengths are 8
    green = bytes_of_eight_bits + "1" + "110" + f"{254:08b}"[::-1]  # of the first 256 symbols
    head = size + "0" + "0" + "1" + "000" + "0" + green + bytes_of_eight_bits + "0" + "1000" * 3
    blocks = (-(-side // 4)) ** 2
    image = "".join(f"{number % groups & 255:08b}{number % groups >> 8:08b}" for number in range(blocks))
    bits = head + image + "1000" * 5 * groups
    return b"\x2f" + int(bits[::-1], 2).to_bytes(len(bits) // 8 + 9, "little")


def make_tiff(entries: list[tuple[int, int, int, int]], data: bytes = bytes(64)) -> bytes:
    """Return a little-endian TIFF of entries (tag, type, count, value); the offsets of strips and tiles point to `data`."""
    start = 10 + 12 * len(entries) + 4
    table = b"".join(
        struct.pack("<HHII", tag, kind, count, start if tag in (273, 324) else value)
        for tag, kind, count, value in sorted(entries)
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + data


def _entries(values: dict[int, tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    return [(tag, kind, 1, value) for tag, (kind, value) in values.items()]


def _rows() -> bytes:
    return (b"\0" + bytes(range(SIDE))) * SIDE


def _pack_long(megabytes: int) -> bytes:
    """Return deflated pixel data with `megabytes` MB of zeros after the rows."""
    packer = zlib.compressobj(9)
    rows = packer.compress(_rows()) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return rows + zeros * megabytes + packer.flush()


def make_webp(vp8l: bytes) -> bytes:
    """Return a WebP file of the simple lossless format."""
    return _riff(_riff_chunk(b"VP8L", vp8l))


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def _riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
