"""Parse the lossless bitstream of WebP (RFC 9649, section 3) up to its number of prefix-code groups.

A group takes 20 bits of the file and 5 to 18 kB in libwebp; up to 65,536 groups fit into any image of a megapixel. The
size of the entropy image limits their number. It is stored behind the images of the transforms, which are parsed here
without keeping their values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

# libwebp writes entropy images of at most 2,600 pixels.
MAX_GROUPS = 3000
# This number of blocks of 16 × 16 pixels is 25 megapixels; recent versions of libwebp write 16,384 at most.
MAX_TRANSFORM_PIXELS = 100_000
_PREDICTOR, _COLOUR, _SUBTRACT_GREEN, _INDEXING = range(4)
_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_LITERALS, _LENGTHS, _DISTANCES = 256, 24, 40
# Repeat codes of code lengths: number of extra bits, and least number of repetitions.
_REPEATS = {16: (2, 3), 17: (3, 3), 18: (7, 11)}
_DAMAGED = "`data` must be a WebP file, but its lossless bitstream is damaged"


@dataclass
class _Bits:
    """Bitstream, least significant bit first."""

    data: bytes
    position: int

    def read(self, count: int) -> int:
        """Read an unsigned integer of at most 32 bits."""
        byte = self.position >> 3
        value = int.from_bytes(self.data[byte : byte + 6], "little") >> (self.position & 7)
        self.position += count
        if self.position > 8 * len(self.data):
            raise struct.error
        return value & ((1 << count) - 1)


@dataclass
class _Code:
    """Prefix code: lookup table of symbol and length by the next `longest` bits; a single symbol has no bits."""

    longest: int
    table: list[tuple[int, int]]

    def read(self, bits: _Bits) -> int:
        """Read a symbol."""
        byte = bits.position >> 3
        ahead = int.from_bytes(bits.data[byte : byte + 3], "little") >> (bits.position & 7)
        symbol, length = self.table[ahead & ((1 << self.longest) - 1)]
        bits.position += length
        return symbol


def check_groups(stream: bytes) -> None:
    """Check that a bitstream has at most `MAX_GROUPS` groups of prefix codes; raises the errors of `count_groups`."""
    groups = count_groups(stream)
    if groups > MAX_GROUPS:
        raise ValueError(
            f"`data` must have an entropy image of at most {MAX_GROUPS} pixels, but it has {groups} pixels"
        )


def count_groups(stream: bytes) -> int:
    """Return the number of pixels of the entropy image, an upper limit of the prefix-code groups; 1 if there is none.

    Args:
        stream: content of a `VP8L` chunk.

    Raises:
        ValueError: if it is damaged, or the images of its transforms are larger than encoders write.
        struct.error: if it is truncated.
    """
    (header,) = struct.unpack_from("<I", stream, 1)
    width, height = (header & 0x3FFF) + 1, (header >> 14 & 0x3FFF) + 1
    bits = _Bits(stream, 40)
    seen: set[int] = set()
    while bits.read(1):
        kind = bits.read(2)
        if kind in seen:
            raise ValueError(_DAMAGED)
        seen.add(kind)
        if kind in (_PREDICTOR, _COLOUR):
            _skip_image(bits, _count_blocks(width, height, bits.read(3) + 2))
        elif kind == _INDEXING:
            colours = bits.read(8) + 1
            _skip_image(bits, colours)
            width = -(-width // (8 if colours <= 2 else 4 if colours <= 4 else 2 if colours <= 16 else 1))
    _read_cache_size(bits)
    return _count_blocks(width, height, bits.read(3) + 2) if bits.read(1) else 1


def _count_blocks(width: int, height: int, bits: int) -> int:
    return -(-width >> bits) * -(-height >> bits)


def _read_cache_size(bits: _Bits) -> int:
    return 1 << bits.read(4) if bits.read(1) else 0


def _skip_image(bits: _Bits, pixels: int) -> None:
    """Skip the image of a transform."""
    if pixels > MAX_TRANSFORM_PIXELS:
        raise ValueError(f"`data` must have at most {MAX_TRANSFORM_PIXELS} blocks in a transform, but it has {pixels}")
    alphabets = (_LITERALS + _LENGTHS + _read_cache_size(bits), _LITERALS, _LITERALS, _LITERALS, _DISTANCES)
    green, *others, distance = (_read_code(bits, size) for size in alphabets)
    others = [code for code in others if code.longest]
    if not green.longest and not others and green.table[0][0] < _LITERALS:
        return
    end = 8 * len(bits.data)
    while pixels > 0:
        symbol = green.read(bits)
        if _LITERALS <= symbol < _LITERALS + _LENGTHS:
            pixels -= _read_extra(bits, symbol - _LITERALS)
            _read_extra(bits, distance.read(bits))
        else:
            pixels -= 1
            if symbol < _LITERALS:
                for code in others:
                    code.read(bits)
        if bits.position > end:
            raise struct.error
    if pixels:
        raise ValueError(_DAMAGED)


def _read_extra(bits: _Bits, prefix: int) -> int:
    """Decode a length or distance from its prefix symbol and extra bits."""
    if prefix < 4:
        return prefix + 1
    extra = (prefix - 2) >> 1
    return ((2 + (prefix & 1)) << extra) + bits.read(extra) + 1


def _read_code(bits: _Bits, alphabet: int) -> _Code:
    lengths = [0] * alphabet
    if bits.read(1):
        two, eight = bits.read(1), bits.read(1)
        lengths[bits.read(8 if eight else 1)] = 1
        if two:
            lengths[bits.read(8)] = 1
        return _make_code(lengths)
    code_lengths = [0] * len(_ORDER)
    for symbol in _ORDER[: 4 + bits.read(4)]:
        code_lengths[symbol] = bits.read(3)
    code = _make_code(code_lengths)
    max_lengths = 2 + bits.read(2 + 2 * bits.read(3)) if bits.read(1) else alphabet
    position, previous = 0, 8
    for _ in range(max_lengths):
        if position >= alphabet:
            break
        length = code.read(bits)
        times, value = 1, length
        if length in _REPEATS:
            count, least = _REPEATS[length]
            times, value = least + bits.read(count), previous if length == 16 else 0
        elif length:
            previous = length
        if position + times > alphabet:
            raise ValueError(_DAMAGED)
        lengths[position : position + times] = [value] * times
        position += times
    return _make_code(lengths)


def _make_code(lengths: list[int]) -> _Code:
    """Build the canonical prefix code from the code lengths of the symbols in bits; 0: not used."""
    used = [(length, symbol) for symbol, length in enumerate(lengths) if length]
    if len(used) == 1:
        return _Code(0, [(used[0][1], 0)])
    longest = max(lengths)
    if sum(1 << (longest - length) for length, _ in used) != 1 << longest or not used:
        raise ValueError(_DAMAGED)
    table = [(0, 0)] * (1 << longest)
    code, last = 0, 0
    for length, symbol in sorted(used):
        code <<= length - last
        last = length
        first = int(f"{code:0{length}b}"[::-1], 2)
        table[first :: 1 << length] = [(symbol, length)] * (1 << (longest - length))
        code += 1
    return _Code(longest, table)
