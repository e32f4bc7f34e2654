"""Versions and presence of optional packages."""

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
    """Check that the packages of an optional feature are installed.

    Args:
        what: the feature, as the subject of the error message.
        extra: the extra of the project that installs them.
        packages: package name by module name.

    Raises:
        ModuleNotFoundError: with the command that installs them.
    """
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(
            f"{what} needs {' and '.join(missing)}, which this environment lacks; "
            f"`pip install -e '.[{extra}]'` in the project's folder installs them"
        )
