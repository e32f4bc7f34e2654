"""Print constraints.txt: the installed version of everything that the project needs, directly or not.

`.venv/bin/python .ci/pins.py > constraints.new && mv constraints.new constraints.txt` takes the versions over
from an environment in which `make test` passes. Packages that only this kind of computer has (CUDA's, for
example) are left out, so that the pins fit other computers too. `.ci/lock.py` then writes requirements/, the same
versions with hashes.
"""

import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parent.parent
OF_THIS_COMPUTER = ("nvidia-", "cuda-", "triton")
HEADER = """\
# The versions that everything was tested with, for `pip install -c constraints.txt`.
# Written by `.ci/pins.py`; packages that only some computers have are left to pip. With hashes: requirements/.
"""


def direct_requirements(project: Path = PROJECT) -> list[Requirement]:
    """Return what pyproject.toml asks for: the core, and every extra."""
    said = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*said["dependencies"], *(text for extra in said["optional-dependencies"].values() for text in extra)]
    return [one for one in map(Requirement, texts) if one.name != said["name"]]


def needed(requirements: list[Requirement]) -> set[str]:
    """Return the names of these packages and of all that they need on this computer."""
    names: set[str] = set()
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in requirements]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        if name.startswith(OF_THIS_COMPUTER):
            continue
        names.add(name)
        for one in map(Requirement, distribution(name).requires or []):
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                item = (canonicalize_name(one.name), frozenset(one.extras))
                waiting += [item] if item not in seen else []
                seen.add(item)
    return names


if __name__ == "__main__":
    print(HEADER + "\n".join(f"{name}=={version(name)}" for name in sorted(needed(direct_requirements()))))
