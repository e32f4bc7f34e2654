"""Find network weights by name and verify them against their model card.

Each network is a pair of files in one folder: `<name>.onnx` and the model card `<name>.json`, which contains input,
output, origin and the SHA-256 of the weights. Weights that do not match their card are refused before they are parsed.
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
TEMPERATURES = (0.01, 100.0)  # least and largest; beyond, probabilities are one-hot or uniform
MAX_CARD_BYTES = 1_000_000  # the shipped cards have some 10,000
MAX_WEIGHTS_BYTES = 2**31 - 1  # limit of a protocol buffer (ONNX); the shipped weights have some 20 MB
REMEDY = "`git checkout -- weights` in the project's folder restores the shipped files"


@dataclass(frozen=True)
class Weights:
    """Verified weights and their model card."""

    name: str
    path: Path
    card: dict[str, Any]

    @property
    def crop_spec(self) -> CropSpec:
        """Preprocessing of the network, from `input` in the model card.

        Raises:
            ValueError: if the entry is missing or invalid.
        """
        fields = self.card.get("input")
        if not isinstance(fields, dict):
            raise ValueError(
                f"`input` in the model card of `{self.name}` must be an object, but got {_shorten(fields)}; {REMEDY}"
            )
        try:
            return CropSpec(**fields)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`input` in the model card of `{self.name}` must be a crop, but got {_shorten(fields)}: {error}; {REMEDY}"
            ) from None

    @property
    def temperature(self) -> float:
        """Calibration temperature, the divisor of the logits; 1 if the model card has none.

        Raises:
            ValueError: if it is not a number within `TEMPERATURES`.
        """
        temperature = self.card.get("temperature", 1.0)
        try:
            check_number("temperature", temperature, *TEMPERATURES)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the model card of `{self.name}` is invalid: {error}; {REMEDY}") from None
        return float(temperature)


def weights_folder() -> Path:
    """Return the folder of the shipped weights: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "weights_data"
    return installed if installed.is_dir() else package.parent / "weights"


def load_weights(name: str, folder: Path | None = None) -> Weights:
    """Load the model card of the network `name` and verify its weights.

    Raises:
        FileNotFoundError: if the card or the file is missing.
        ValueError: if `name` is not a plain file name, the card can't be read, or the weights do not match it.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"`name` must be a file name without a folder, but got {name!r}")
    folder = Path(folder) if folder is not None else weights_folder()
    card = read_card(folder / f"{name}.json")
    path = folder / f"{name}.onnx"
    if not path.is_file():
        raise FileNotFoundError(f"the weights `{name}` must be at {path}, but there is no such file; {REMEDY}")
    if not isinstance(card.get("sha256"), str):
        raise ValueError(
            f"`sha256` in the model card of `{name}` must be the SHA-256 of {path}, but it is missing; {REMEDY}"
        )
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise ValueError(
            f"the weights `{name}` must have at most {MAX_WEIGHTS_BYTES:,} bytes, but {path} has {path.stat().st_size:,}; {REMEDY}"
        )
    actual = file_sha256(path)
    if actual != card["sha256"]:
        raise ValueError(
            f"the weights `{name}` must have the SHA-256 {card['sha256'][:64]}, but {path} has {actual}: "
            f"the file is damaged or belongs to another model card; {REMEDY}"
        )
    return Weights(name, path, card)


def load_emotion_weights(folder: Path | None = None, name: str = EMOTION) -> Weights:
    """Load the weights of an emotion network and check that its labels are `EMOTIONS` in their order.

    Raises:
        FileNotFoundError: if the card or the file is missing.
        ValueError: if the card or the file is damaged, or the labels differ.
    """
    weights = load_weights(name, folder)
    labels = weights.card.get("labels")
    if labels != list(EMOTIONS):
        raise ValueError(
            f"the labels of `{name}` must be {', '.join(EMOTIONS)} in this order, but got {_shorten(labels)}; {REMEDY}"
        )
    _ = weights.crop_spec, weights.temperature
    return weights


def read_card(path: Path) -> dict[str, Any]:
    """Read a model card.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not a JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"the model card {path} must exist, but there is no such file; {REMEDY}")
    with path.open("rb") as stream:
        data = stream.read(MAX_CARD_BYTES + 1)
    if len(data) > MAX_CARD_BYTES:
        raise ValueError(f"the model card {path} must have at most {MAX_CARD_BYTES:,} bytes, but it has more; {REMEDY}")
    try:
        card = json.loads(data.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError(f"the model card {path} must be JSON, but it is nested too deeply; {REMEDY}") from None
    except ValueError as error:  # also for invalid UTF-8, and for numbers with thousands of digits
        raise ValueError(f"the model card {path} must be JSON, but it can't be read ({error}); {REMEDY}") from None
    if not isinstance(card, dict):
        raise ValueError(f"the model card {path} must be a JSON object, but got a {type(card).__name__}; {REMEDY}")
    return card


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write the model card of the ONNX file beside it, with the SHA-256 of that file, atomically."""
    complete = {**card, "sha256": file_sha256(path.with_suffix(".onnx"))}
    write_text(path, json.dumps(complete, indent=2, ensure_ascii=False) + "\n")


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object from its members; refuse duplicate names, which JSON parsers resolve differently."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {_shorten(duplicate)} is duplicated")
    return members


def _shorten(value: object, most: int = 300) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
