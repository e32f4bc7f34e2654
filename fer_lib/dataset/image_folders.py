"""Load image folders, one folder per split and label, into arrays.

The layout is `<folder>/{train,validation[,test]}/{label}/*.png|jpg`, grey or colour, any size. Decoded images are cached in
the folder `cache` beside `<folder>`, which can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.atomic_write import write_bytes
from fer_lib.crops import CropSpec, resize_face
from fer_lib.dataset.cache import Face, content_key, read_bytes, read_faces, write_faces
from fer_lib.images.decoding import decode
from fer_lib.labels import EMOTIONS, label_index
from fer_lib.terminal import printable

SPLITS = ("train", "validation", "test")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
DATA_HINT = "see data/README.md for sources and folder layout, or use DATA_DIR=data/sample (synthetic faces)"


@dataclass(frozen=True, eq=False)
class Split:
    """One split in memory.

    Attributes:
        name: train, validation or test.
        images: `(n, size, size, channels)` uint8.
        targets: `(n,)` int64, indices into `EMOTIONS`.
        names: file names without suffix, in the order of the images.
        broken: files that could not be decoded; they are not in `images`.
    """

    name: str
    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    names: tuple[str, ...]
    broken: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)

    def select(self, rows: NDArray[np.bool_]) -> Split:
        """Return the split reduced to the rows of a boolean mask `(n,)`."""
        names = tuple(name for name, keep in zip(self.names, rows, strict=True) if keep)
        return Split(self.name, self.images[rows], self.targets[rows], names, self.broken)

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each label."""
        counts = np.bincount(self.targets, minlength=len(EMOTIONS))
        return {label: int(count) for label, count in zip(EMOTIONS, counts, strict=True)}


def list_images(folder: Path, split: str) -> list[tuple[Path, int]]:
    """List the image files of a split with their targets, sorted by label and name.

    Raises:
        FileNotFoundError: if the split's folder is missing or contains no image.
        ValueError: if a folder's name is not one of the seven labels.
    """
    root = Path(folder) / split
    if not root.is_dir():
        nested = next(Path(folder).glob(f"*/{split}"), None)
        hint = f"did you mean DATA_DIR={nested.parent}? " if nested else ""
        raise FileNotFoundError(f"the {split} images must be in {root}, but there is no such folder; {hint}{DATA_HINT}")
    found = list_labelled_files(root, SUFFIXES, f"; {DATA_HINT}")
    if not found:
        raise FileNotFoundError(
            f"{root} must contain PNG or JPEG images in one folder per label, but has none; {DATA_HINT}"
        )
    return found


def list_labelled_files(root: Path, suffixes: Collection[str], hint: str = "") -> list[tuple[Path, int]]:
    """List the files with the given suffixes in folders named by label, with their targets, sorted by label and name.

    Raises:
        ValueError: if a folder's name is not one of the seven labels; the message ends with `hint`.
    """
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    unknown = [path.name for path in folders if path.name not in EMOTIONS]
    if unknown:
        raise ValueError(
            f"the folders in {root} must be named {', '.join(EMOTIONS)}, but got {', '.join(unknown)}{hint}"
        )
    return [
        (path, label_index(labelled.name))
        for labelled in folders
        for path in sorted(labelled.iterdir())
        if path.suffix.lower() in suffixes
    ]


def subsample_evenly(listed: list[tuple[Path, int]], most: int | None) -> list[tuple[Path, int]]:
    """Return at most `most` entries, evenly spaced over a list; `None`: all."""
    if most is None or len(listed) <= most:
        return listed
    return [listed[i] for i in np.linspace(0, len(listed) - 1, most).astype(int)]


def load_splits(folder: Path, spec: CropSpec, max_images: int | None = None, quiet: bool = False) -> dict[str, Split]:
    """Load every split that exists and print which are missing; arguments and errors are those of `load_split`."""
    missing = [split for split in SPLITS if not (Path(folder) / split).is_dir()]
    if len(missing) == len(SPLITS):
        list_images(folder, SPLITS[0])  # raises the error
    if missing:
        print(f"there is no {' and no '.join(missing)} split in {printable(folder)}; analyses that need it are skipped")
    return {split: load_split(folder, split, spec, max_images, quiet) for split in SPLITS if split not in missing}


def load_split(folder: Path, split: str, spec: CropSpec, max_images: int | None = None, quiet: bool = False) -> Split:
    """Decode a split into memory; each image shows one face and is only resized and converted to the colour of `spec`.

    Args:
        folder: contains `train/` and `validation/`.
        split: train, validation or test.
        spec: size and colour of the images.
        max_images: limit, evenly spaced over the list; a limited split is not cached.
        quiet: show no progress bar and print no names of undecodable files.

    Returns:
        The decoded images; undecodable files are listed in `broken`.

    Raises:
        FileNotFoundError: if folder or images are missing, or none can be decoded.
        ValueError: if a label is unknown.
    """
    listed = subsample_evenly(list_images(folder, split), max_images)
    paths = [path for path, _ in listed]
    whole = max_images is None
    faces = (
        decode_cached_faces(Path(folder), split, paths, spec, quiet)
        if whole
        else decode_faces(paths, spec, split, quiet)
    )
    broken = tuple(path for path, face in zip(paths, faces, strict=True) if face is None)
    if broken and not quiet:
        print(printable(f"skipped {_format_paths(broken)} of {Path(folder) / split}: unreadable"))
    if len(broken) == len(paths):
        raise FileNotFoundError(f"no image in {Path(folder) / split} can be read: {_format_paths(broken)}; {DATA_HINT}")
    kept = [(row, face) for row, face in enumerate(faces) if face is not None]
    images = np.empty((len(kept), spec.size, spec.size, spec.channels), np.uint8)
    for image, (_, face) in zip(images, kept, strict=True):
        image[:] = face if face.shape == image.shape else resize_face(face, spec)
    targets = np.array([listed[row][1] for row, _ in kept], np.int64)
    return Split(split, images, targets, tuple(paths[row].stem for row, _ in kept), broken)


def decode_cached_faces(
    folder: Path, split: str, paths: list[Path], spec: CropSpec, quiet: bool = False
) -> list[Face | None]:
    """Read decoded faces from the cache, or decode them (`decode_faces`) and write the cache."""
    checked = tqdm(paths, desc=f"checking {split}", unit="image", disable=quiet, leave=False, delay=0.5)
    key = content_key(checked, folder, f"{spec.size} {spec.color} {spec.detail} {cv2.__version__}")
    path = folder.absolute().parent / "cache" / f"{split}-{spec.size}px-{key[:16]}.npz"
    try:
        return read_faces(path, len(paths))
    except FileNotFoundError:
        pass
    except ValueError as error:
        print(f"{printable(error)}; decoding again")
    faces = decode_faces(paths, spec, split, quiet)
    try:
        write_faces(path, faces)
    except OSError as error:
        print(
            f"the cache {printable(path.parent)} is not writable ({error.strerror}); the images will be decoded again next time"
        )
    return faces


def decode_faces(paths: list[Path], spec: CropSpec, what: str = "", quiet: bool = False) -> list[Face | None]:
    """Decode images, `None` for an undecodable one; large ones are reduced to the size of `spec` to save memory."""
    faces: list[Face | None] = []
    for path in tqdm(paths, desc=f"decoding {what}".strip(), unit="image", disable=quiet, leave=False, delay=0.5):
        face = read_image(path)
        spec_bytes = spec.size * spec.size * spec.channels
        faces.append(face if face is None or face.size < spec_bytes else resize_face(face, spec))
    return faces


def read_image(path: Path) -> Face | None:
    """Read one image as grey `(h, w)` or RGB `(h, w, 3)`; `None` if it is empty, damaged, too large or not an image."""
    try:
        return decode(read_bytes(path), keep_grey=True)
    except ValueError:
        return None


def write_image(path: Path, image: Face) -> None:
    """Write one image, grey `(h, w)` or RGB `(h, w, 3)`, as PNG, atomically."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    write_bytes(path, cv2.imencode(".png", pixels)[1].tobytes())


def find_blank(images: NDArray[np.uint8], contrast: float = 2.0) -> NDArray[np.bool_]:
    """Return a mask `(n,)` of the images `(n, h, w, c)` whose grey levels have a standard deviation below `contrast`."""
    return np.array([image.std() < contrast for image in images], bool)


def _format_paths(paths: tuple[Path, ...], most: int = 20) -> str:
    names = ", ".join(f"{path.parent.name}/{path.name}" for path in paths[:most])
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return f"{len(paths)} image{'s' if len(paths) > 1 else ''} ({names}{more})"
