"""Extract FER2013's CSV table, one row of pixels per image, into image folders.

    python -m fer_lib.dataset.fer2013 fer2013.csv data/images --votes fer2013new.csv

The table of FER+ votes has the same rows in the same order and a file name for each. The extracted images get these names,
which join them with their votes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.command_line import CommandParser
from fer_lib.dataset.image_folders import DATA_HINT, SPLITS, write_image
from fer_lib.dataset.tables import open_table
from fer_lib.terminal import prepare_streams, printable

SPLIT_OF = dict(zip(("Training", "PublicTest", "PrivateTest"), SPLITS, strict=True))
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # by the index in the column `emotion`
SIDE = 48


def extract_table(table: Path, folder: Path, votes: Path | None = None, quiet: bool = False) -> dict[str, int]:
    """Write every row of a FER2013 table as `<folder>/{train,validation,test}/{label}/<name>.png`.

    Args:
        table: fer2013.csv or icml_face_data.csv, with the columns emotion, pixels and Usage.
        folder: output folder; files with the same names are replaced.
        votes: fer2013new.csv, for the file names; without it, and for rows without a name, the name is Usage and row number.
        quiet: show no progress bar.

    Returns:
        Number of images written per split.

    Raises:
        FileNotFoundError: if a table is missing.
        ValueError: if a row is invalid; the message names the row.
    """
    written = dict.fromkeys(SPLITS, 0)
    names = _read_names(votes) if votes else []
    for number, row in enumerate(tqdm(_read_rows(table), desc="extracting", unit="image", disable=quiet, leave=False)):
        usage, label, pixels = _parse_row(row, f"row {number + 1} of {table}")
        name = _check_name(names[number], f"row {number + 1} of {votes}") if number < len(names) else ""
        label_folder = Path(folder) / SPLIT_OF[usage] / label
        label_folder.mkdir(parents=True, exist_ok=True)
        write_image(label_folder / f"{name or f'{usage}_{number:05}'}.png", pixels)
        written[SPLIT_OF[usage]] += 1
    if votes and len(names) != sum(written.values()):
        raise ValueError(f"{votes} must have as many rows as {table}, {sum(written.values())}, but has {len(names)}")
    return written


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"the table {path} must exist, but does not; {DATA_HINT}")
    with open_table(path) as rows:
        for row in rows:
            yield {str(name).strip().lower(): str(value).strip() for name, value in row.items()}


def _read_names(votes: Path) -> list[str]:
    names = [row.get("image name") for row in _read_rows(votes)]
    if None in names:
        raise ValueError(f"{votes} must have the column `Image name`, but has none")
    return [str(name) for name in names]


def _check_name(name: str, where: str) -> str:
    """Return an image's file name without suffix; reject names with path separators (path traversal)."""
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[A-Za-z0-9]{1,9})?", name):
        raise ValueError(
            f"{where} must name an image with at most 100 letters, digits, - and _, such as fer0000000.png, but has {name[:40]!r}"
        )
    return name.partition(".")[0]


def _parse_row(row: dict[str, str], where: str) -> tuple[str, str, NDArray[np.uint8]]:
    try:
        usage, label = row["usage"], LABELS[range(len(LABELS)).index(int(row["emotion"]))]
        pixels = np.array(row["pixels"].split(), np.int64)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(
            f"{where} must have an emotion from 0 to 6, pixels and a Usage, but has {_shorten(row)}"
        ) from None
    if usage not in SPLIT_OF or pixels.shape != (SIDE**2,) or pixels.min() < 0 or pixels.max() > 255:
        raise ValueError(
            f"{where} must have a Usage of {', '.join(SPLIT_OF)} and {SIDE**2} pixels from 0 to 255, but has {_shorten(row)}"
        )
    return usage, label, pixels.astype(np.uint8).reshape(SIDE, SIDE)


def _shorten(row: dict[str, str]) -> str:
    return ", ".join(f"{name} {value[:20]!r}" for name, value in row.items())


def main(words: list[str]) -> int:
    """Run the command line and return the exit status: 0, or 2 for invalid input."""
    parser = CommandParser("python -m fer_lib.dataset.fer2013", "Extract FER2013's table into image folders.")
    parser.add_argument("table", type=Path, help="fer2013.csv or icml_face_data.csv")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data/images"), help="output folder")
    parser.add_argument(
        "--votes", type=Path, help="fer2013new.csv: gives the images the file names that FER+ votes refer to"
    )
    given, _ = parser.parse_words(words)
    try:
        written = extract_table(given.table, given.folder, given.votes)
    except (OSError, ValueError) as error:
        print(printable(error), file=sys.stderr)
        return 2
    print(
        "wrote",
        ", ".join(f"{count:,} {split} images" for split, count in written.items()),
        f"to {printable(given.folder)}",
    )
    return 0


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
