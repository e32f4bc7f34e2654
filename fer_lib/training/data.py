"""Folders of labelled pictures become arrays in memory.

The layout is `<folder>/{train,validation[,test]}/{label}/*.png|jpg`, grey or colour, any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.crops import CropSpec, resize_face
from fer_lib.labels import EMOTIONS, label_index

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
CURE = "data/README.md says where the pictures come from and how they must lie"


@dataclass(frozen=True, eq=False)
class Split:
    """One split in memory.

    Attributes:
        name: train, validation or test.
        images: `(n, size, size, channels)` uint8.
        targets: `(n,)` int64, places in `EMOTIONS`.
        names: file names without ending, in the order of the images.
        broken: files that could not be read, left out.
    """

    name: str
    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    names: tuple[str, ...]
    broken: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)

    def select(self, rows: NDArray[np.bool_]) -> Split:
        """Return the split with only the rows that a mask `(n,)` keeps."""
        names = tuple(name for name, keep in zip(self.names, rows, strict=True) if keep)
        return Split(self.name, self.images[rows], self.targets[rows], names, self.broken)

    @property
    def counts(self) -> dict[str, int]:
        """How many images each label has."""
        counts = np.bincount(self.targets, minlength=len(EMOTIONS))
        return {label: int(count) for label, count in zip(EMOTIONS, counts, strict=True)}


def list_images(folder: Path, split: str) -> list[tuple[Path, int]]:
    """List the pictures of a split with their targets, sorted by label and name.

    Raises:
        FileNotFoundError: if the split's folder is missing or holds no picture.
        ValueError: if a folder in it is named after none of the seven labels.
    """
    root = Path(folder) / split
    if not root.is_dir():
        raise FileNotFoundError(f"the {split} images must be in {root}, but there is no such folder; {CURE}")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    unknown = [path.name for path in folders if path.name not in EMOTIONS]
    if unknown:
        raise ValueError(
            f"the folders in {root} must be named {', '.join(EMOTIONS)}, but there is also {', '.join(unknown)}; {CURE}"
        )
    found = [
        (path, label_index(labelled.name))
        for labelled in folders
        for path in sorted(labelled.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise FileNotFoundError(f"{root} must hold PNG or JPEG pictures in one folder per label, but has none; {CURE}")
    return found


def load_split(folder: Path, split: str, spec: CropSpec, max_images: int | None = None, quiet: bool = False) -> Split:
    """Decode a split into memory; each picture is one face already, only resized and recoloured as `spec` says.

    Args:
        folder: where `train/` and `validation/` are.
        split: train, validation or test.
        spec: size and colour of the images.
        max_images: keep only so many, spread evenly over the list.
        quiet: show no progress bar.

    Returns:
        The images that could be read; the others are listed in `broken`.

    Raises:
        FileNotFoundError: if folder or pictures are missing, or none can be read.
        ValueError: if a label is unknown.
    """
    listed = list_images(folder, split)
    if max_images is not None and len(listed) > max_images:
        listed = [listed[i] for i in np.linspace(0, len(listed) - 1, max_images).astype(int)]
    images = np.empty((len(listed), spec.size, spec.size, spec.channels), np.uint8)
    readable = np.zeros(len(listed), bool)
    for i, (path, _) in enumerate(tqdm(listed, desc=f"reading {split}", unit="image", disable=quiet, leave=False)):
        face = read_image(path)
        if face is not None:
            images[i] = resize_face(face, spec)
            readable[i] = True
    if not readable.any():
        raise FileNotFoundError(f"no picture in {Path(folder) / split} can be read; {CURE}")
    targets = np.array([target for _, target in listed], np.int64)
    names = tuple(path.stem for (path, _), ok in zip(listed, readable, strict=True) if ok)
    broken = tuple(path for (path, _), ok in zip(listed, readable, strict=True) if not ok)
    return Split(split, images[readable], targets[readable], names, broken)


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """Read one picture as grey `(h, w)` or RGB `(h, w, 3)`; `None` if it is empty, damaged or no picture."""
    data = np.fromfile(path, np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
    if pixels is None:
        return None
    return np.asarray(pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def find_blank(images: NDArray[np.uint8], contrast: float = 2.0) -> NDArray[np.bool_]:
    """Mark images `(n, h, w, c)` whose grey levels have a standard deviation below `contrast`."""
    return np.array([image.std() < contrast for image in images], bool)


def find_copies(images: NDArray[np.uint8], of: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mark images that equal, pixel by pixel, one of the images in `of`."""
    seen = {image.tobytes() for image in of}
    return np.array([image.tobytes() in seen for image in images], bool)


def clean_training(train: Split, *held_out: Split) -> Split:
    """Drop blank training images and those that also stand in a held-out split, which would flatter the score."""
    drop = find_blank(train.images)
    for split in held_out:
        drop |= find_copies(train.images, split.images)
    return train.select(~drop)
