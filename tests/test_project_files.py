"""The files at the root agree with each other: pins, environments, Binder, settings, the wheel."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fer_lib.live.session.message_history import HISTORY_SIZE
from fer_lib.settings import GROUPS, TrainingSettings, sources

TRAINING_ONLY = {"torch", "torchvision", "facenet-pytorch", "accelerate", "matplotlib", "scikit-learn", "pandas"}


@pytest.fixture(scope="module")
def project(project_root: Path) -> dict:
    return tomllib.loads((project_root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins(project_root: Path) -> dict[str, str]:
    lines = (project_root / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def requirements(project: dict) -> list[Requirement]:
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return [one for one in map(Requirement, texts) if one.name != project["name"]]


def load_script(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_constraints_pin_every_direct_dependency(project, pins):
    assert [one.name for one in requirements(project) if canonicalize_name(one.name) not in pins] == []


def test_constraints_satisfy_the_bounds_of_pyproject(project, pins):
    wrong = [str(one) for one in requirements(project) if pins[canonicalize_name(one.name)] not in one.specifier]
    assert wrong == []


def test_constraints_pin_every_indirect_dependency(project_root, pins):
    script = load_script(project_root / ".ci" / "pins.py")
    closure = script.dependency_closure(script.direct_requirements())
    assert closure - set(pins) == set(), "`.ci/pins.py` updates the pins"


def test_constraints_have_no_platform_specific_packages(pins):
    assert [name for name in pins if name.startswith(("nvidia", "cuda", "triton"))] == []
    assert [version for version in pins.values() if "+" in version] == []


def test_constraints_support_the_oldest_supported_python(project, pins):
    oldest = f"{project['requires-python'].removeprefix('>=')}.0"
    required = {name: metadata(name).get("Requires-Python", "") for name in pins}
    assert [name for name, bounds in required.items() if bounds and oldest not in SpecifierSet(bounds)] == []


def test_core_has_no_training_dependency(project):
    assert {Requirement(text).name for text in project["dependencies"]} & TRAINING_ONLY == set()


def test_extra_all_contains_the_others(project):
    extras = project["optional-dependencies"]
    (text,) = extras["all"]
    assert Requirement(text).name == project["name"]
    assert Requirement(text).extras == set(extras) - {"all"}


def test_environment_comments_every_dependency(project_root):
    lines = (project_root / "environment.yml").read_text().splitlines()
    items = [
        line for line in lines if line.lstrip().startswith("- ") and line.strip() not in ("- pip:", "- conda-forge")
    ]
    assert len(items) > 20
    assert [line for line in items if not re.search(r" # \S", line)] == []


def test_environment_agrees_with_pyproject(project_root, project):
    environment = yaml.safe_load((project_root / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert pip["pip"][:2] == ["-c constraints.txt", "-e ."]
    assert sorted(map(str, map(Requirement, pip["pip"][2:]))) == sorted({str(one) for one in requirements(project)})
    python = next(text for text in conda if text.startswith("python="))
    assert python.removeprefix("python=") in SpecifierSet(project["requires-python"])


def test_binder_installs_only_the_core_with_hashes(project_root, tmp_path):
    lines = (project_root / "binder" / "requirements.txt").read_text().splitlines()
    files = ["-r ../requirements/build.txt", "-r ../requirements/core.txt"]
    assert [line for line in lines if not line.startswith("#")] == ["--require-hashes", *files]
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$*"\n')
    (tmp_path / "pip").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    build = [project_root / "binder" / "postBuild"]
    done = subprocess.run(build, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"install --no-deps --no-build-isolation -e {project_root}\n"


def test_binder_python_is_supported(project_root, project):
    version = (project_root / "binder" / "runtime.txt").read_text().strip()
    assert version.removeprefix("python-") in SpecifierSet(project["requires-python"])


def test_binder_start_adds_its_configuration_and_runs_the_command(project_root, tmp_path):
    print_arguments = [
        sys.executable,
        "-c",
        "import os, sys; print(os.environ['JUPYTER_CONFIG_PATH'], sys.argv[1:])",
        "--port=1",
        "a b",
    ]
    start = project_root / "binder" / "start"
    environment = {"PATH": "/usr/bin:/bin", "JUPYTER_CONFIG_PATH": "/elsewhere"}
    done = subprocess.run(
        [start, *print_arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{project_root / 'binder'}:/elsewhere ['--port=1', 'a b']"


def test_binder_start_configures_the_kernel_connection(project_root, tmp_path):
    server = [sys.executable, "-m", "jupyter_server", "--show-config-json"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    start = project_root / "binder" / "start"
    done = subprocess.run(
        [start, *server], cwd=project_root, env=environment, capture_output=True, text=True, check=True
    )
    connection = json.loads(done.stdout)["ServerApp"]["kernel_websocket_connection_class"]
    assert connection == "fer_lib.live.server.connection.KernelConnection"


def test_every_server_limits_the_message_history(project_root):
    for name in ("voila.json", "binder/jupyter_server_config.json"):
        assert json.loads((project_root / name).read_text())["Session"] == {"digest_history_size": HISTORY_SIZE}
    assert f"--Session.digest_history_size={HISTORY_SIZE} " in (project_root / "Makefile").read_text()


def test_every_server_uses_the_kernel_connection(project_root):
    voila = json.loads((project_root / "voila.json").read_text())["Voila"]
    binder = json.loads((project_root / "binder" / "jupyter_server_config.json").read_text())["ServerApp"]
    lab = re.search(r"^CONNECTION := (\S+)$", (project_root / "Makefile").read_text(), re.MULTILINE)[1]
    assert voila["kernel_websocket_connection_class"] == binder["kernel_websocket_connection_class"] == lab
    module, _, name = lab.rpartition(".")
    assert hasattr(import_module(module), name)


def test_env_example_is_up_to_date(project_root):
    script = load_script(project_root / ".ci" / "env_example.py")
    text = (project_root / ".env.example").read_text()
    assert text == script.example(), "`python .ci/env_example.py > .env.example` updates it"


def test_env_example_sets_the_usual_settings_and_lists_all_others(project_root):
    lines = (project_root / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        "LEARNING_RATE=0.001",
        "BATCH_SIZE=32",
        "NUM_EPOCHS=22",
        "DROPOUT_RATE=0.4",
        "OPTIMIZER=adamw",
        "LR_STEP_SIZE=7",
        "LR_GAMMA=0.1",
        "IMAGE_SIZE=256",
    ]
    listed = {line.lstrip("#").split("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)}
    assert listed == {group.variable(field) for group in GROUPS for field in group.model_fields}


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("group", GROUPS)
def test_env_example_loads_as_env(project_root, tmp_path, monkeypatch, group, everything):
    text = (project_root / ".env.example").read_text()
    (tmp_path / ".env").write_text(re.sub(r"^#([A-Z_]+=)", r"\1", text, flags=re.MULTILINE) if everything else text)
    monkeypatch.setattr(sources, "find_dotenv", lambda: tmp_path / ".env")
    assert group.load() == group()
    assert (TrainingSettings.sources()["seed"] == ".env") == everything


def test_git_ignores_secrets_data_and_runs(project_root):
    if not (project_root / ".git").exists():
        pytest.skip("not a git checkout")
    private = [".env", "data/images/train/happy/1.png", "runs/one/settings.json", ".venv/pyvenv.cfg"]
    done = subprocess.run(
        ["git", "check-ignore", *private], cwd=project_root, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == private


@pytest.fixture(scope="module")
def wheel_names(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build a wheel from a copy of the package, and return the names of its files."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("fer_lib", "weights"):
        shutil.copytree(project_root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "voila.json", "notebooks/04_live.ipynb"):
        shutil.copy(project_root / name, folder / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        "out",
        ".",
    ]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    (wheel,) = (folder / "out").iterdir()
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_contains_all_weights_and_model_cards(project_root, wheel_names):
    networks = [path.name for path in (project_root / "weights").glob("*.onnx")]
    assert {"mtcnn_pnet.onnx", "mtcnn_rnet.onnx", "mtcnn_onet.onnx", "emotion.onnx"} <= set(networks)
    files = [name for network in networks for name in (network, network.replace(".onnx", ".json"))]
    assert [name for name in files if f"fer_lib/weights_data/{name}" not in wheel_names] == []


def test_wheel_contains_the_live_page_and_its_configuration(wheel_names):
    assert {"fer_lib/live_page/04_live.ipynb", "fer_lib/live_page/voila.json"} <= wheel_names


def test_wheel_contains_the_command(wheel_names):
    assert any(name.endswith("dist-info/entry_points.txt") for name in wheel_names)


def test_wheel_contains_every_file_of_the_package(project_root, wheel_names):
    files = [
        path for path in (project_root / "fer_lib").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {".py", ".js", ".css"} <= {path.suffix for path in files}
    missing = {path.relative_to(project_root).as_posix() for path in files} - wheel_names
    assert missing == set()
