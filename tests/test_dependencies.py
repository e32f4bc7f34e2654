"""pyproject.toml declares what the package imports, and bounds what it uses internals of."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# Distributions of namespace packages, which several distributions share.
NAMESPACES = {"google": ["protobuf"]}
# Packages whose classes are subclassed or whose internal interfaces are used.
BOUNDED = (
    *("ipykernel", "ipywebrtc", "ipywidgets", "jupyter-client", "jupyter-core", "jupyter-server"),
    *("nbformat", "tornado", "traitlets", "voila"),
)


def list_imports(path: Path) -> set[str]:
    """Return the names of the top-level packages that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names


@pytest.fixture(scope="module")
def declared(project_root: Path) -> dict[str, Requirement]:
    """The requirements of the core and of all extras, by the name of the distribution."""
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return {canonicalize_name(one.name): one for one in map(Requirement, texts)}


def list_undeclared(package: Path, declared: dict[str, Requirement]) -> list[str]:
    """Return the third-party packages that a package imports and that no declared distribution provides."""
    names = set().union(*map(list_imports, package.rglob("*.py"))) - set(sys.stdlib_module_names) - {package.name}
    known = {**packages_distributions(), **NAMESPACES}
    return sorted(
        name for name in names if not {canonicalize_name(one) for one in known.get(name, [name])} & set(declared)
    )


def test_every_import_of_the_package_is_declared(project_root, declared):
    assert list_undeclared(project_root / "fer_lib", declared) == []


def test_list_undeclared_finds_an_indirect_dependency(tmp_path, declared):
    (tmp_path / "module.py").write_text(
        "import os\nimport zmq\nfrom nowhere.module import name\nimport google.protobuf\n"
    )
    assert list_undeclared(tmp_path, declared) == ["nowhere", "zmq"]


@pytest.mark.parametrize("name", BOUNDED)
def test_internals_are_bounded_by_the_next_version(declared, name):
    bounds = [Version(one.version) for one in declared[name].specifier if one.operator == "<"]
    assert len(bounds) == 1
    assert str(bounds[0]) not in declared[name].specifier
