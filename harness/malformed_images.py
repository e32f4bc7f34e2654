"""Unusual valid image files, and files that are truncated, damaged, huge, or not images; all are generated."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image

from harness.synthetic_camera import draw_frame

WIDTH, HEIGHT = 64, 48
BOMB = 20_000  # side in pixels of a decompression bomb


@cache
def malformed_images() -> dict[str, bytes]:
    """Return files by name; the name states the property, and files whose names begin with `good` can be decoded."""
    plain = draw_frame(0)[::10, ::10]
    return {**_good(plain), **_bad(plain)}


def huge_png(body: bytes = b"") -> bytes:
    """Return a PNG of 20,000 × 20,000 pixels (1.2 GB decoded) with `body` as its pixel data."""
    head = struct.pack(">IIBBBBB", BOMB, BOMB, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _good(plain: np.ndarray) -> dict[str, bytes]:
    grey = plain[..., 1]
    rotated = Image.Exif()
    rotated[0x0112] = 6  # orientation: rotate by 90° clockwise
    others = [Image.fromarray(255 - plain), Image.fromarray(plain[::-1].copy())]
    return {
        "good jpeg": _save(plain, "JPEG"),
        "good progressive jpeg": _save(plain, "JPEG", progressive=True),
        "good grey jpeg": _save(grey, "JPEG"),
        "good cmyk jpeg": _save(plain, "JPEG", mode="CMYK"),
        "good rotated jpeg": _save(plain, "JPEG", exif=rotated),
        "good rotated png": _save(plain, "PNG", exif=rotated),
        "good jpeg with a comment of markers": _save(plain, "JPEG", comment=b"\xff\xc0\xff\xd9" * 50),
        "good jpeg with trailing bytes": _save(plain, "JPEG") + bytes(1000),
        "good png": _save(plain, "PNG"),
        "good png with trailing bytes": _save(plain, "PNG") + b"\xff" * 1000,
        "good palette png": _save(plain, "PNG", mode="P"),
        "good transparent png": _save(plain, "PNG", mode="RGBA"),
        "good black and white png": _save(plain, "PNG", mode="1"),
        "good 16-bit png": _save((grey.astype(np.uint16) << 8), "PNG"),
        "good animated png": _save(plain, "PNG", save_all=True, append_images=others),
        "good webp": _save(plain, "WEBP"),
        "good lossless webp": _save(plain, "WEBP", lossless=True),
        "good animated webp": _save(plain, "WEBP", save_all=True, append_images=others),
        "good 1×1 jpeg": _save(plain[:1, :1], "JPEG"),
        "good 1×1 png": _save(plain[:1, :1], "PNG"),
        "good 2000×1 png": _save(np.repeat(plain[:1, :1], 2000, axis=1), "PNG"),
        "good 1×2000 png": _save(np.repeat(plain[:1, :1], 2000, axis=0), "PNG"),
        "good black jpeg": _save(plain * 0, "JPEG"),
    }


def _bad(plain: np.ndarray) -> dict[str, bytes]:
    jpeg, png, webp = (_save(plain, kind) for kind in ("JPEG", "PNG", "WEBP"))
    size = jpeg.index(b"\xff\xc0") + 5
    side = struct.pack(">HH", BOMB, BOMB)
    return {
        "empty": b"",
        "one byte": b"\xff",
        "text": b"hello",
        "zeros": bytes(1000),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf": b"%PDF-1.7",
        "gif": _save(plain, "GIF"),
        "ico": _save(plain, "ICO"),
        "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100),
        "openexr": b"v/1\x01" + bytes(100),
        "zip": b"PK\x03\x04" + bytes(100),
        "png cut": png[:-30],
        "png of its header only": png[:33],
        "png without data": png[:33] + _chunk(b"IEND", b""),
        "png with a chunk length of 4 GB": png[:33] + b"\xff\xff\xff\xf0IDAT" + png[41:],
        "png with data in its end chunk": png[:33] + struct.pack(">I", 31) + b"IEND" + png[41:] + png,
        "png of 0 pixels": png[:16] + bytes(8) + png[24:],
        "png of 2**31 pixels a side": png[:16] + b"\x7f\xff\xff\xff" * 2 + png[24:],
        "jpeg of its header only": jpeg[:30],
        "jpeg of two bytes": jpeg[:2],
        "jpeg of 0 pixels": jpeg[:size] + bytes(4) + jpeg[size + 4 :],
        "webp cut": webp[:30],
        "webp of its header only": webp[:12],
        "bomb of png": huge_png(),
        "bomb of packed png": huge_png(zlib.compress(bytes(1_000_000), 9)),
        "bomb of jpeg": jpeg[:size] + side + jpeg[size + 4 :],
        "bomb of webp": b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(5),
        "webp of its canvas only": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0"
        + bytes(4)
        + (BOMB - 1).to_bytes(3, "little") * 2,
        "jpeg after a png signature": png[:8] + jpeg,
        "png in a jpeg": jpeg[:2] + png,
    }


def _save(pixels: np.ndarray, kind: str, mode: str = "", **options: object) -> bytes:
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
