"""requirements/: pinned and hashed packages of each installation, with the versions of constraints.txt."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAMES = ["all", "build", "core", "lab", "service", "train"]
# A locked package: its pin, a marker if it is platform-specific, and its hashes.
ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+?)(?: ; (?P<marker>.+?))?(?P<hashes>(?: \\\n +--hash=\S+)*)$", re.M
)
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}


@pytest.fixture(scope="module")
def project(project_root: Path) -> dict:
    return tomllib.loads((project_root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def locked(project_root: Path) -> dict[str, list[re.Match[str]]]:
    """Return the locked packages of each file."""
    files = {path.stem: path.read_text() for path in (project_root / "requirements").glob("*.txt")}
    return {name: list(ENTRY.finditer(text)) for name, text in files.items()}


@pytest.fixture(scope="module")
def extras(project_root: Path) -> dict[str, tuple[str, ...]]:
    """Return the extras of pyproject.toml in each file, from `.ci/lock.py`."""
    spec = importlib.util.spec_from_file_location("lock", project_root / ".ci" / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EXTRAS


def expand(project: dict, names: tuple[str, ...]) -> list[Requirement]:
    """Return the requirements of the core and of some extras, including those of nested extras."""
    optional = project["project"]["optional-dependencies"]
    texts = [*project["project"]["dependencies"], *(text for name in names for text in optional[name])]
    found = []
    for one in map(Requirement, texts):
        inner = one.name == project["project"]["name"]
        found += expand(project, tuple(sorted(one.extras))) if inner else [one]
    return found


def read_constraints(project_root: Path) -> dict[str, str]:
    lines = (project_root / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_requirements_have_a_file_for_each_installation(locked, extras):
    assert sorted(locked) == NAMES == sorted(["build", *extras])


@pytest.mark.parametrize("name", NAMES)
def test_requirements_pin_and_hash_every_package(locked, project_root, name):
    text = (project_root / "requirements" / f"{name}.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert len(lines) == len(locked[name]) > 3, "every line except hashes is a locked package"
    bad = [one["name"] for one in locked[name] if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", one["hashes"])]
    assert bad == []


@pytest.mark.parametrize("name", NAMES)
def test_requirements_contain_no_index_or_url(project_root, name):
    """The user's configuration of pip defines the index."""
    text = (project_root / "requirements" / f"{name}.txt").read_text()
    assert text.startswith("# ")
    assert not re.search(r"://|^-|--(?!hash=)", text.partition("\n")[2], re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_requirements_agree_with_constraints(locked, project_root, name):
    pins = read_constraints(project_root)
    wrong = [one[0] for one in locked[name] if one["name"] in pins and one["version"] != pins[one["name"]]]
    assert wrong == [], "`.ci/lock.py` updates them"
    unpinned = [one for one in locked[name] if one["name"] not in pins]
    assert [one["name"] for one in unpinned if not one["marker"]] == [], "platform-specific packages must have a marker"


def test_requirements_contain_every_direct_dependency(locked, project, extras):
    for name, chosen in extras.items():
        versions = {one["name"]: one["version"] for one in locked[name]}
        for one in expand(project, chosen):
            assert versions.get(canonicalize_name(one.name), "none") in one.specifier, f"{one} in {name}.txt"


def test_requirements_contain_the_build_system(locked, project):
    versions = {one["name"]: one["version"] for one in locked["build"]}
    for one in map(Requirement, project["build-system"]["requires"]):
        assert versions[one.name] in one.specifier


def test_requirements_of_all_contain_every_pin(locked, project_root):
    here = {one["name"] for one in locked["all"] if not one["marker"] or Marker(one["marker"]).evaluate(LINUX)}
    assert set(read_constraints(project_root)) - here == set()


def test_requirements_of_page_and_service_have_no_torch(locked):
    for name in ("core", "lab", "service"):
        assert {one["name"] for one in locked[name]} & {"torch", "torchvision", "triton"} == set()


def test_licences_list_every_pin(project_root):
    text = (project_root / "docs" / "licences.md").read_text()
    listed = dict(re.findall(r"^\| ([\w.-]+) \| (\d\S*) \| .+ \|$", text, re.MULTILINE))
    assert listed == read_constraints(project_root), "`.ci/licences.py` updates the page"
