"""Which packages are there, and in which version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


def find_version(package: str) -> str | None:
    """Return the version of an installed package, or `None`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def require(what: str, extra: str, **packages: str) -> None:
    """Stop before any work if a package is missing that only some things need.

    Args:
        what: what needs them, to begin the sentence with.
        extra: which of the project's extras brings them.
        packages: the name of each package, by that of its module.

    Raises:
        ModuleNotFoundError: with the command that installs them.
    """
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(
            f"{what} needs {' and '.join(missing)}, which this environment lacks; "
            f"`pip install -e '.[{extra}]'` in the project's folder installs what is needed"
        )
