"""The targets of the Makefile, for each state of the environment; a fake Python records how it is called."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TARGETS = ["help", "app", "lab", "test", "check", "notebooks", "train", "bench", "fuzz", "soak", "clean"]
# It logs its arguments, creates an "environment" by copying itself, and executes scripts given with -c.
PYTHON = """\
#!/bin/sh
echo "$*" >> "{log}"
echo "mmap limit: ${{MALLOC_MMAP_MAX_:-unset}}" >> "{log}"
case "$*" in
  "--version") echo "Python {version}" ;;
  "-c import sys"*) exit {old} ;;
  "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  "-c "*) exec {python} "$@" ;;
esac
"""


class Checkout:
    """A copy of the files that make needs, with the fake Python and the log of its calls."""

    def __init__(self, root: Path, folder: Path, version: str = "3.12.1") -> None:
        self.folder = folder
        self.log = folder / "calls"
        folder.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(root / name, folder)
        shutil.copytree(root / "requirements", folder / "requirements")
        old = int(version.startswith("3.9"))
        script = PYTHON.format(log=self.log, version=version, old=old, python=sys.executable)
        (folder / "python").write_text(script)
        (folder / "python").chmod(0o755)

    def make(self, *words: str, fails: bool = False) -> str:
        """Run make and return its output; `calls` then contains the calls of Python."""
        self.log.write_text("")
        command = ["make", "--no-print-directory", "PYTHON=./python", *words]
        # A make that runs these tests passes its own variables on (ARGS="-k make"); they must not affect the tested make.
        outer = {
            name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "ARGS")
        }
        done = subprocess.run(
            command, cwd=self.folder, env=outer, capture_output=True, text=True, check=False, timeout=60
        )
        assert bool(done.returncode) == fails, done.stderr
        return done.stdout + done.stderr

    @property
    def calls(self) -> list[str]:
        """The modules and the scripts of `.ci/` that were run, with their arguments; checks of the environment are omitted."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith(("-m ", ".ci/"))]
        return [line.removeprefix("-m ") for line in lines if line != "-m pip --version"]


@pytest.fixture
def checkout(project_root: Path, tmp_path: Path) -> Checkout:
    return Checkout(project_root, tmp_path / "my project")  # a space in a path is normal


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def test_help_is_the_default_and_lists_every_target(checkout):
    output = checkout.make()
    assert [line.split()[0] for line in output.splitlines()[1:]] == TARGETS
    assert all(len(line.split()) > 3 for line in output.splitlines()[1:])
    assert checkout.calls == []


def test_app_creates_the_environment_and_installs_only_the_core(checkout, free_port):
    output = checkout.make("app", f"PORT={free_port}")
    venv, packages, package, serve = checkout.calls
    assert venv == "venv --clear .venv"
    assert packages == "pip install -q --require-hashes -r requirements/build.txt -r requirements/core.txt"
    assert package == "pip install -q --no-deps --no-build-isolation -e ."
    assert serve == f"fer_lib live --ip=localhost --port={free_port}"
    assert "Installing" in output


def test_app_second_call_installs_nothing(checkout, free_port):
    checkout.make("app", f"PORT={free_port}")
    output = checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["fer_lib"]
    assert "Installing" not in output


def test_app_installs_again_after_a_change_of_the_pins(checkout, free_port):
    checkout.make("app", f"PORT={free_port}")
    later = (checkout.folder / ".venv" / ".core").stat().st_mtime + 10
    for name in ("constraints.txt", "pyproject.toml", "requirements/core.txt"):
        os.utime(checkout.folder / name, (later, later))
    checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["pip", "pip", "fer_lib"]


def test_install_without_hashes_prints_a_notice(checkout):
    output = checkout.make("lab", "HASHES=no")
    assert checkout.calls[1] == "pip install -q -c constraints.txt -e .[lab,evaluate]"
    assert re.search(r"^HASHES=no: .* not verified", output, re.MULTILINE)


def test_install_failure_names_the_remedy_and_stops(checkout):
    script = (
        (checkout.folder / "python").read_text().replace('case "$*" in', 'case "$*" in *--require-hashes*) exit 1 ;;')
    )
    (checkout.folder / "python").write_text(script)
    output = checkout.make("lab", fails=True)
    assert "requirements/lab.txt could not be installed" in output
    assert "HASHES=no installs" in output
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip"]
    assert not (checkout.folder / ".venv" / ".lab").exists()


def test_app_reads_address_and_port_from_the_environment(checkout, free_port, monkeypatch):
    monkeypatch.setenv("PORT", str(free_port))
    monkeypatch.setenv("IP", "127.0.0.1")
    checkout.make("app")
    assert checkout.calls[-1] == f"fer_lib live --ip=127.0.0.1 --port={free_port}"


def test_app_passes_options_to_voila(checkout, free_port):
    checkout.make("app", f"PORT={free_port}", "ARGS=--Voila.token=secret")
    assert checkout.calls[-1] == f"fer_lib live --ip=localhost --port={free_port} --Voila.token=secret"


def test_lab_adds_jupyterlab(checkout):
    checkout.make("lab")
    _, packages, _, lab = checkout.calls
    assert packages.endswith("-r requirements/lab.txt")
    assert "--ServerApp.kernel_websocket_connection_class=fer_lib.live.server.connection.KernelConnection" in lab


def test_test_installs_the_requirements_of_all_targets(checkout, free_port):
    checkout.make("test", "ARGS=-k weights")
    assert checkout.calls[1].endswith("-r requirements/all.txt")
    assert checkout.calls[3] == "pytest -k weights"
    for target in ("check", "notebooks", "train", "bench", "lab"):
        checkout.make(target)
        assert not any(call.startswith(("pip", "venv")) for call in checkout.calls), target
        assert checkout.calls, target
    checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["fer_lib"]


def test_check_runs_every_check(checkout):
    checkout.make("check")
    tools = ["ruff", "ruff", "mypy", "nbstripout", ".ci/page_constants.py", ".ci/words.py"]
    assert [call.split()[0] for call in checkout.calls[3:]] == tools


def test_bench_runs_every_benchmark(checkout):
    checkout.make("bench", "ARGS=--json")
    names = ("pipeline", "network", "stability", "live", "visitors", "service", "training")
    assert checkout.calls[3:] == [f"benchmarks.{name} --json" for name in names]


def test_fuzz_and_soak_run_the_stress_tests(checkout):
    checkout.make("fuzz", "ARGS=TARGET --inputs 1000")
    assert checkout.calls[3:] == ["stress.fuzz TARGET --inputs 1000"]
    checkout.make("soak", "ARGS=--kills 3")
    assert checkout.calls == ["stress.connection", "stress.slow_clients", "stress.flood", "stress.soak --kills 3"]


def test_train_passes_papermill_parameters(checkout):
    checkout.make("train", "ARGS=-p NUM_EPOCHS 2")
    assert checkout.calls[1].endswith("-r requirements/train.txt")
    assert checkout.calls[3] == "fer_lib.training.notebook -p NUM_EPOCHS 2"


def test_train_configures_malloc_to_keep_freed_blocks(checkout):
    checkout.make("train")
    assert checkout.log.read_text().splitlines()[-2:] == ["-m fer_lib.training.notebook", "mmap limit: 0"]
    checkout.make("lab")
    assert checkout.log.read_text().splitlines()[-1] == "mmap limit: unset"


def test_train_recipe_repeats_the_runs_of_the_shipped_weights(checkout, project_root):
    checkout.make("train", "RECIPE=shipped")
    assert checkout.calls[3] == "fer_lib.training.notebook --recipe weights/shipped"
    assert list((project_root / "weights" / "shipped").glob("*/settings.json"))


def test_pip_args_are_passed_to_pip(checkout):
    checkout.make("lab", "PIP_ARGS=--no-index")
    assert checkout.calls[1].startswith("pip install --no-index --require-hashes")


def test_environment_created_by_the_user_is_kept(checkout, free_port):
    subprocess.run([checkout.folder / "python", "-m", "venv", "--clear", checkout.folder / ".venv"], check=True)
    checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["pip", "pip", "fer_lib"]


def test_environment_after_a_move_is_created_again(checkout, free_port):
    checkout.make("app", f"PORT={free_port}")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    checkout.log = checkout.folder / "calls"
    script = (checkout.folder / "python").read_text().replace("my project", "moved")
    for path in (checkout.folder / "python", checkout.folder / ".venv" / "bin" / "python"):
        path.write_text(script)
    checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip", "pip", "fer_lib"]


def test_environment_without_its_python_is_created_again(checkout, free_port):
    checkout.make("app", f"PORT={free_port}")
    python = checkout.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    checkout.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip", "pip", "fer_lib"]


def test_python_too_old_is_an_error_with_both_versions(project_root, tmp_path):
    checkout = Checkout(project_root, tmp_path / "project", version="3.9.2")
    output = checkout.make("app", fails=True)
    assert "`PYTHON` must be Python 3.11 or newer" in output
    assert "3.9.2" in output
    assert "make PYTHON=" in output
    assert not (checkout.folder / ".venv").exists()


def test_clean_removes_environment_and_caches_only(checkout, free_port):
    checkout.make("app", f"PORT={free_port}")
    kept = [
        checkout.folder / name for name in ("data/images/a.png", "runs/one/card.json", "weights/emotion.onnx", ".env")
    ]
    caches = [checkout.folder / name for name in (".mypy_cache/x", "fer_lib/__pycache__/x.pyc")]
    for path in kept + caches:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    checkout.make("clean")
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in [*caches, checkout.folder / ".venv"])
