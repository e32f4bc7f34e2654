"""Decoded faces stay on the disk, so that they are decoded once.

A cache file is named after what it holds: the SHA-256 over the names and the bytes of the pictures. Reading and hashing
FER2013's 28,709 training pictures takes a fifth of the time that decoding them takes (0.3 s of 1.7 s), so this honest
key is also a cheap one. Sizes and times would be cheaper still, but stay the same when a picture is replaced with its time kept,
and change when a folder is only copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from fer_lib.atomic_write import atomic_write
from fer_lib.images.files import read_image_file

Face = NDArray[np.uint8]  # (h, w) grey or (h, w, 3) RGB
DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, MemoryError, BadZipFile)


def content_key(paths: Iterable[Path], root: Path, how: str) -> str:
    """Return the SHA-256, in hexadecimal, of pictures and of how they are decoded.

    Args:
        paths: the files, in order; one that can't be read counts as empty.
        root: the folder they lie in, which their names are taken from, so that a copied folder has the same key.
        how: whatever else decides what the decoded pixels are.
    """
    digest = hashlib.sha256(f"1 {how}".encode())
    for path in paths:
        data = read_bytes(path)
        name = "/".join(path.parts[len(root.parts) :])
        digest.update(f"\0{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def read_bytes(path: Path) -> bytes:
    """Return the content of a file; nothing, if it can't be read, is huge or no regular file."""
    try:
        return read_image_file(path)
    except (OSError, ValueError):
        return b""


def write_faces(path: Path, faces: Sequence[Face | None]) -> None:
    """Write decoded faces of any size, `None` for a broken one; complete or not at all.

    Raises:
        OSError: if the folder can't be written to or the disk is full.
    """
    shapes = np.zeros((len(faces), 3), np.int32)
    for row, face in enumerate(faces):
        if face is not None:
            shapes[row, : face.ndim] = face.shape
    pixels = np.concatenate([np.zeros(0, np.uint8), *(face.ravel() for face in faces if face is not None)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as half, half.open("wb") as stream:
        np.savez(stream, shapes=shapes, pixels=pixels)


def read_faces(path: Path, count: int) -> list[Face | None]:
    """Read what `write_faces` wrote; never runs code from the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or does not hold `count` faces.
    """
    try:
        _check_unpacked_size(path)
        with np.load(path, allow_pickle=False) as stored:  # a zip file: reading checks the sum of every array
            shapes, pixels = stored["shapes"], stored["pixels"]
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise ValueError(f"the cache {path} is damaged ({error})") from None
    if shapes.shape != (count, 3) or pixels.dtype != np.uint8:
        raise ValueError(f"the cache {path} must hold {count} faces, but has the shapes {shapes.shape}")
    sizes = np.where(shapes[:, 2] > 0, shapes.prod(axis=1), shapes[:, 0] * shapes[:, 1])
    if pixels.shape != (sizes.sum(),):
        raise ValueError(f"the cache {path} must hold {sizes.sum()} pixels, but has {pixels.shape}")
    parts = np.split(pixels, np.cumsum(sizes))[:-1]
    return [_unpack(part, shape) for part, shape in zip(parts, shapes.tolist(), strict=True)]


def _check_unpacked_size(path: Path) -> None:
    """Refuse an archive that is larger when unpacked: ours are not compressed, and a small one could fill the memory."""
    with ZipFile(path) as archive:
        unpacked, packed = sum(member.file_size for member in archive.infolist()), path.stat().st_size
    if unpacked > packed:
        raise ValueError(f"it has {packed:,} bytes, but {unpacked:,} when unpacked")


def _unpack(pixels: Face, shape: list[int]) -> Face | None:
    height, width, channels = shape
    if not height:
        return None
    return pixels.reshape((height, width, channels) if channels else (height, width))
