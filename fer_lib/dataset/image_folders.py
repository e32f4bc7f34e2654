"""Folders of labelled pictures become arrays in memory.

The layout is `<folder>/{train,validation[,test]}/{label}/*.png|jpg`, grey or colour, any size. What was decoded stays
in the folder `cache` beside `<folder>`, which may be deleted at any time.
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
DATA_HINT = (
    "data/README.md says where the pictures come from and how they must lie; DATA_DIR=data/sample has drawn ones"
)


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
        nested = next(Path(folder).glob(f"*/{split}"), None)
        hint = f"did you mean DATA_DIR={nested.parent}? " if nested else ""
        raise FileNotFoundError(f"the {split} images must be in {root}, but there is no such folder; {hint}{DATA_HINT}")
    found = list_labelled_files(root, SUFFIXES, f"; {DATA_HINT}")
    if not found:
        raise FileNotFoundError(
            f"{root} must hold PNG or JPEG pictures in one folder per label, but has none; {DATA_HINT}"
        )
    return found


def list_labelled_files(root: Path, suffixes: Collection[str], hint: str = "") -> list[tuple[Path, int]]:
    """List the files with some suffixes in folders named by label, with their targets, sorted by label and name.

    Raises:
        ValueError: if a folder in `root` is named after none of the seven labels; the sentence ends with `hint`.
    """
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    unknown = [path.name for path in folders if path.name not in EMOTIONS]
    if unknown:
        raise ValueError(
            f"the folders in {root} must be named {', '.join(EMOTIONS)}, but there is also {', '.join(unknown)}{hint}"
        )
    return [
        (path, label_index(labelled.name))
        for labelled in folders
        for path in sorted(labelled.iterdir())
        if path.suffix.lower() in suffixes
    ]


def subsample_evenly(listed: list[tuple[Path, int]], most: int | None) -> list[tuple[Path, int]]:
    """Return at most so many entries, spread evenly over a list; `None`: all."""
    if most is None or len(listed) <= most:
        return listed
    return [listed[i] for i in np.linspace(0, len(listed) - 1, most).astype(int)]


def load_splits(folder: Path, spec: CropSpec, max_images: int | None = None, quiet: bool = False) -> dict[str, Split]:
    """Load every split that is there, and say which are not; arguments and errors are those of `load_split`."""
    missing = [split for split in SPLITS if not (Path(folder) / split).is_dir()]
    if len(missing) == len(SPLITS):
        list_images(folder, SPLITS[0])  # says what is wrong
    if missing:
        print(f"there is no {' and no '.join(missing)} split in {printable(folder)}: what needs it is left out")
    return {split: load_split(folder, split, spec, max_images, quiet) for split in SPLITS if split not in missing}


def load_split(folder: Path, split: str, spec: CropSpec, max_images: int | None = None, quiet: bool = False) -> Split:
    """Decode a split into memory; each picture is one face already, only resized and recoloured as `spec` says.

    Args:
        folder: where `train/` and `validation/` are.
        split: train, validation or test.
        spec: size and colour of the images.
        max_images: keep only so many, spread evenly over the list; so few are not cached.
        quiet: show no progress bar and don't name the pictures that can't be read.

    Returns:
        The images that could be read; the others are listed in `broken`.

    Raises:
        FileNotFoundError: if folder or pictures are missing, or none can be read.
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
        print(printable(f"left out {_format_paths(broken)} of {Path(folder) / split}, which can't be read"))
    if len(broken) == len(paths):
        raise FileNotFoundError(
            f"no picture in {Path(folder) / split} can be read: {_format_paths(broken)}; {DATA_HINT}"
        )
    kept = [(row, face) for row, face in enumerate(faces) if face is not None]
    images = np.empty((len(kept), spec.size, spec.size, spec.channels), np.uint8)
    for image, (_, face) in zip(images, kept, strict=True):
        image[:] = face if face.shape == image.shape else resize_face(face, spec)
    targets = np.array([listed[row][1] for row, _ in kept], np.int64)
    return Split(split, images, targets, tuple(paths[row].stem for row, _ in kept), broken)


def decode_cached_faces(
    folder: Path, split: str, paths: list[Path], spec: CropSpec, quiet: bool = False
) -> list[Face | None]:
    """Do what `decode_faces` does, but take them from the cache where it has them, and put them there where not."""
    checked = tqdm(paths, desc=f"checking {split}", unit="image", disable=quiet, leave=False, delay=0.5)
    key = content_key(checked, folder, f"{spec.size} {spec.color} {spec.detail} {cv2.__version__}")
    path = folder.absolute().parent / "cache" / f"{split}-{spec.size}px-{key[:16]}.npz"
    try:
        return read_faces(path, len(paths))
    except FileNotFoundError:
        pass
    except ValueError as error:
        print(f"{printable(error)}: made anew")
    faces = decode_faces(paths, spec, split, quiet)
    try:
        write_faces(path, faces)
    except OSError as error:
        print(
            f"the decoded images can't be kept in {printable(path.parent)} ({error.strerror}): next time they are decoded again"
        )
    return faces


def decode_faces(paths: list[Path], spec: CropSpec, what: str = "", quiet: bool = False) -> list[Face | None]:
    """Decode pictures, `None` for a broken one; each as `spec` wants it, or as it is where that takes less memory."""
    faces: list[Face | None] = []
    for path in tqdm(paths, desc=f"decoding {what}".strip(), unit="image", disable=quiet, leave=False, delay=0.5):
        face = read_image(path)
        wanted = spec.size * spec.size * spec.channels
        faces.append(face if face is None or face.size < wanted else resize_face(face, spec))
    return faces


def read_image(path: Path) -> Face | None:
    """Read one picture as grey `(h, w)` or RGB `(h, w, 3)`; `None` if it is empty, damaged, huge or no picture."""
    try:
        return decode(read_bytes(path), keep_grey=True)
    except ValueError:
        return None


def write_image(path: Path, image: Face) -> None:
    """Write one picture, grey `(h, w)` or RGB `(h, w, 3)`, as PNG; complete or not at all."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    write_bytes(path, cv2.imencode(".png", pixels)[1].tobytes())


def find_blank(images: NDArray[np.uint8], contrast: float = 2.0) -> NDArray[np.bool_]:
    """Mark images `(n, h, w, c)` whose grey levels have a standard deviation below `contrast`."""
    return np.array([image.std() < contrast for image in images], bool)


def _format_paths(paths: tuple[Path, ...], most: int = 20) -> str:
    names = ", ".join(f"{path.parent.name}/{path.name}" for path in paths[:most])
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return f"{len(paths)} picture{'s' if len(paths) > 1 else ''} ({names}{more})"
