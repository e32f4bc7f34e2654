"""A name becomes a verified file and its card.

Each network is a pair in one folder: `<name>.onnx` and the card `<name>.json`, which says what goes in,
what comes out, where it came from and the SHA-256 of the file. A file that does not match its card is
refused before anything reads it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_lib.atomic_write import write_text
from fer_lib.crops import CropSpec, check_number
from fer_lib.labels import EMOTIONS

EMOTION = "emotion"
DETECTOR = ("mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet")
TEMPERATURES = (0.01, 100.0)  # least and largest; beyond, probabilities are 0 and 1, or all the same
MAX_CARD_BYTES = 1_000_000  # ours have some 10,000
MAX_WEIGHTS_BYTES = 2**31 - 1  # what ONNX, a protocol buffer, can hold; ours have some 20 MB
CURE = "`git checkout -- weights` in the project's folder brings back the files it came with"


@dataclass(frozen=True)
class Weights:
    """A verified network file and what its card says of it."""

    name: str
    path: Path
    card: dict[str, Any]

    @property
    def crop_spec(self) -> CropSpec:
        """How faces must be prepared for this network.

        Raises:
            ValueError: if the card does not describe it.
        """
        described = self.card.get("input")
        if not isinstance(described, dict):
            raise ValueError(
                f"the card of `{self.name}` must describe its `input`, but it says {_shorten(described)}; {CURE}"
            )
        try:
            return CropSpec(**described)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the `input` in the card of `{self.name}` must be a crop, but it is {_shorten(described)}: {error}; {CURE}"
            ) from None

    @property
    def temperature(self) -> float:
        """What logits are divided by so that probabilities mean what they say; 1 unless the card says more.

        Raises:
            ValueError: if the card says something that is no number in `TEMPERATURES`.
        """
        said = self.card.get("temperature", 1.0)
        try:
            check_number("temperature", said, *TEMPERATURES)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the card of `{self.name}` is wrong: {error}; {CURE}") from None
        return float(said)


def weights_folder() -> Path:
    """Return the folder of the project's own weights: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "weights_data"
    return installed if installed.is_dir() else package.parent / "weights"


def load_weights(name: str, folder: Path | None = None) -> Weights:
    """Find the network `name`, read its card and verify the file against it.

    Raises:
        FileNotFoundError: if the card or the file is missing.
        ValueError: if the name leads elsewhere, the card can't be read, or the file does not match it.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"the name of weights must be that of a file in their folder, but got {name!r}")
    folder = Path(folder) if folder is not None else weights_folder()
    card = read_card(folder / f"{name}.json")
    path = folder / f"{name}.onnx"
    if not path.is_file():
        raise FileNotFoundError(f"the weights `{name}` must be at {path}, but there is no such file; {CURE}")
    if not isinstance(card.get("sha256"), str):
        raise ValueError(f"the card of `{name}` must say the SHA-256 of {path}, but it has none; {CURE}")
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise ValueError(
            f"the weights `{name}` must have at most {MAX_WEIGHTS_BYTES:,} bytes, but {path} has {path.stat().st_size:,}; {CURE}"
        )
    found = file_sha256(path)
    if found != card["sha256"]:
        raise ValueError(
            f"the weights `{name}` must have the SHA-256 {card['sha256'][:64]}, but {path} has {found}: "
            f"the file is damaged or is not the one its card describes; {CURE}"
        )
    return Weights(name, path, card)


def load_emotion_weights(folder: Path | None = None, name: str = EMOTION) -> Weights:
    """Load an emotion network; besides its hash, its labels must be ours, in our order.

    Raises:
        FileNotFoundError: if the card or the file is missing.
        ValueError: if the card or the file is damaged or describes another network.
    """
    weights = load_weights(name, folder)
    labels = weights.card.get("labels")
    if labels != list(EMOTIONS):
        raise ValueError(
            f"the labels of `{name}` must be {', '.join(EMOTIONS)} in this order, but its card says {_shorten(labels)}; {CURE}"
        )
    _ = weights.crop_spec, weights.temperature
    return weights


def read_card(path: Path) -> dict[str, Any]:
    """Read a card.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not a JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"the card {path} must exist, but there is no such file; {CURE}")
    with path.open("rb") as stream:
        data = stream.read(MAX_CARD_BYTES + 1)
    if len(data) > MAX_CARD_BYTES:
        raise ValueError(f"the card {path} must have at most {MAX_CARD_BYTES:,} bytes, but it has more; {CURE}")
    try:
        card = json.loads(data.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError(f"the card {path} must be JSON, but it is nested too deeply; {CURE}") from None
    except ValueError as error:  # also of bytes that are no UTF-8, and of numbers with thousands of digits
        raise ValueError(f"the card {path} must be JSON, but it can't be read ({error}); {CURE}") from None
    if not isinstance(card, dict):
        raise ValueError(f"the card {path} must be a JSON object, but it holds a {type(card).__name__}; {CURE}")
    return card


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write a card for the ONNX file beside it, with the SHA-256 of that file; complete or not at all."""
    complete = {**card, "sha256": file_sha256(path.with_suffix(".onnx"))}
    write_text(path, json.dumps(complete, indent=2, ensure_ascii=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that comes twice would mean one thing to us and another to other readers."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {_shorten(twice)} comes twice")
    return fields


def _shorten(value: object, most: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
