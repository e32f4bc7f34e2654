"""Print constraints.txt: the installed version of every direct and indirect dependency.

`.venv/bin/python .ci/pins.py > constraints.new && mv constraints.new constraints.txt` pins the
versions of an environment in which `make test` passes. Platform-specific packages (CUDA's, for example) are left out,
so that the pins are valid on other platforms. `.ci/lock.py` then writes requirements/, the same versions with hashes.
"""

import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parent.parent
PLATFORM_SPECIFIC = ("nvidia-", "cuda-", "triton")
HEADER = """\
# Tested versions of all dependencies, for `pip install -c constraints.txt`.
# Written by `.ci/pins.py`; pip chooses the versions of platform-specific packages. With hashes: requirements/.
"""


def direct_requirements(project: Path = PROJECT) -> list[Requirement]:
    """Return the direct dependencies in pyproject.toml: those of the core and of every extra."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [
        *declared["dependencies"],
        *(text for extra in declared["optional-dependencies"].values() for text in extra),
    ]
    return [one for one in map(Requirement, texts) if one.name != declared["name"]]


def dependency_closure(requirements: list[Requirement]) -> set[str]:
    """Return the names of these packages and of all their dependencies on this platform (transitive closure)."""
    names: set[str] = set()
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in requirements]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        if name.startswith(PLATFORM_SPECIFIC):
            continue
        names.add(name)
        for one in map(Requirement, distribution(name).requires or []):
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                item = (canonicalize_name(one.name), frozenset(one.extras))
                waiting += [item] if item not in seen else []
                seen.add(item)
    return names


if __name__ == "__main__":
    print(HEADER + "\n".join(f"{name}=={version(name)}" for name in sorted(dependency_closure(direct_requirements()))))
