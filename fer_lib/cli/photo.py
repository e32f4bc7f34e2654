"""`fer-lib photo`: detect faces in photos and classify their emotions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fer_lib.command_line import CommandParser, error_text
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

ABOUT = """\
Classify the emotion of each face in photos; -o writes annotated copies. A folder means all photos in it. The EXIF
orientation is applied; the photos themselves are never changed. Exits with 2 if a photo can't be read."""
EXAMPLES = """\
fer-lib photo party.jpg
fer-lib photo party.jpg -o party-faces.png
fer-lib photo holidays/ -o holidays-faces/
fer-lib photo *.jpg --json | jq -r '.faces[].label'
fer-lib photo crowd.jpg MIN_FACE_SIZE=20 MAX_FACES=100"""


def main(words: list[str], prog: str = "fer-lib photo") -> int:
    """Run the command and return the exit status.

    Raises:
        ValueError: if an argument or a setting is wrong.
        FileNotFoundError: if weights or the folder of the output are missing.
    """
    parser = CommandParser(prog, ABOUT, EXAMPLES, "photo [photo ...]")
    parser.add_argument("photos", nargs="+", metavar="photo", help="photo, or folder of photos")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="annotated photo; for several photos, a folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per photo and line")
    parser.add_settings(VisionSettings, "settings of detection, tracking and classification")
    arguments, given = parser.parse_words(words)
    pairs = plan_outputs(arguments.photos, arguments.output)
    return _process(pairs, VisionSettings.load(**given), arguments.json)


def plan_outputs(inputs: list[str], output: Path | None) -> list[tuple[Path, Path | None]]:
    """Return each photo with the path of its annotated copy, or with `None` without `output`.

    Raises:
        ValueError: if a folder contains no photo, or two copies would get the same name.
    """
    from fer_lib.vision.media.photo import PHOTO_SUFFIXES

    photos = [photo for word in inputs for photo in _photos_of(Path(word), PHOTO_SUFFIXES)]
    if output is None:
        return [(photo, None) for photo in photos]
    several = len(inputs) > 1 or Path(inputs[0]).is_dir()
    if not several and not output.is_dir():
        return [(photos[0], output)]
    if output.exists() and not output.is_dir():
        raise ValueError(f"`-o` must be a folder for several photos, but {output} is a file")
    # The copy of a format that can be read but not written is a PNG.
    names = [photo.name if photo.suffix.lower() in PHOTO_SUFFIXES else f"{photo.stem}.png" for photo in photos]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"the photos must have different names to be written to one folder, but got {repeated} twice")
    output.mkdir(parents=True, exist_ok=True)
    return [(photo, output / name) for photo, name in zip(photos, names, strict=True)]


def _photos_of(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not path.is_dir():
        return [path]
    photos = sorted(one for one in path.iterdir() if one.suffix.lower() in suffixes and not one.name.startswith("."))
    if not photos:
        raise ValueError(f"the folder {path} must contain photos ({', '.join(suffixes)}), but contains none")
    return photos


def _process(pairs: list[tuple[Path, Path | None]], settings: VisionSettings, as_json: bool) -> int:
    from fer_lib.vision.media.annotation import annotate_photo
    from fer_lib.vision.pipeline import load_pipeline

    pipeline = load_pipeline(settings)
    status = 0
    for photo, out in pairs:
        line: dict[str, Any]
        try:
            faces = annotate_photo(photo, out, pipeline)
        except (ValueError, OSError) as error:
            # A photo that can't be read does not stop the others.
            status = 2
            print(f"fer-lib photo: {printable(error_text(error))}", file=sys.stderr)
            line = {"photo": str(photo), "error": error_text(error)}
        else:
            line = {"photo": str(photo), "output": out and str(out), "faces": describe(faces)}
        if as_json:
            print(json.dumps(line), flush=True)
        elif "faces" in line:
            print(_text(line), flush=True)
    return status


def describe(faces: Faces) -> list[dict[str, Any]]:
    """Return the faces as `Faces.to_records` does, the largest first, with `probabilities` by label."""
    return [
        one | {"probabilities": dict(zip(EMOTIONS, one["probabilities"], strict=True))} for one in faces.to_records()
    ]


def _text(line: dict[str, Any]) -> str:
    count = len(line["faces"])
    head = f"{printable(line['photo'])}: {'no face' if count == 0 else '1 face' if count == 1 else f'{count} faces'}"
    if line["output"]:
        head += f" → {printable(line['output'])}"
    rows = []
    for face in line["faces"]:
        x1, y1, x2, y2 = (round(value) for value in face["xyxy"])
        second = sorted(face["probabilities"].items(), key=lambda item: -item[1])[1]
        what = f"{face['label']:<9}{face['probability']:>4.0%}   then {second[0]:<9}{second[1]:>4.0%}"
        rows.append(f"  {what}   at {x1},{y1} to {x2},{y2}")
    return "\n".join([head, *rows])
