"""The words of the Makefile, from any state of the environment; a recording stand-in takes Python's place."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = ["help", "app", "lab", "test", "check", "notebooks", "train", "bench", "fuzz", "soak", "clean"]
# It writes down how it was called, makes an "environment" by copying itself, and runs short scripts for real.
PYTHON = """\
#!/bin/sh
echo "$*" >> "{log}"
echo "blocks kept: ${{MALLOC_MMAP_MAX_:-no}}" >> "{log}"
case "$*" in
  "--version") echo "Python {version}" ;;
  "-c import sys"*) exit {old} ;;
  "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  "-c "*) exec {python} "$@" ;;
esac
"""


class House:
    """A copy of what make needs, with the stand-in, and what the stand-in was asked to do."""

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
        """Run make and return what it wrote; `calls` then holds what it asked Python for."""
        self.log.write_text("")
        command = ["make", "--no-print-directory", "PYTHON=./python", *words]
        # A make that runs these tests hands its own words down (ARGS="-k make"); they are not this make's.
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
        """Installations and whatever ran; checks of the environment are left out."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("-m ")]
        return [line.removeprefix("-m ") for line in lines if line != "-m pip --version"]


@pytest.fixture
def house(project_root: Path, tmp_path: Path) -> House:
    return House(project_root, tmp_path / "my house")  # a space in a path is normal


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def test_make_alone_lists_every_word(house):
    said = house.make()
    assert [line.split()[0] for line in said.splitlines()[1:]] == WORDS
    assert all(len(line.split()) > 3 for line in said.splitlines()[1:])
    assert house.calls == []


def test_app_makes_the_environment_and_installs_only_the_core(house, free_port):
    said = house.make("app", f"PORT={free_port}")
    venv, packages, package, serve = house.calls
    assert venv == "venv --clear .venv"
    assert packages == "pip install -q --require-hashes -r requirements/build.txt -r requirements/core.txt"
    assert package == "pip install -q --no-deps --no-build-isolation -e ."
    assert serve == f"fer_lib live --ip=localhost --port={free_port}"
    assert "Installing" in said


def test_app_is_fast_the_second_time(house, free_port):
    house.make("app", f"PORT={free_port}")
    said = house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["fer_lib"]
    assert "Installing" not in said


def test_app_installs_again_when_the_pins_have_changed(house, free_port):
    house.make("app", f"PORT={free_port}")
    later = (house.folder / ".venv" / ".core").stat().st_mtime + 10
    for name in ("constraints.txt", "pyproject.toml", "requirements/core.txt"):
        os.utime(house.folder / name, (later, later))
    house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["pip", "pip", "fer_lib"]


def test_install_without_hashes_is_said(house):
    said = house.make("lab", "HASHES=no")
    assert house.calls[1] == "pip install -q -c constraints.txt -e .[lab,evaluate]"
    assert "HASHES=no: the hashes of the packages are not compared." in said


def test_install_that_fails_names_the_remedy_and_installs_nothing_else(house):
    script = (house.folder / "python").read_text().replace('case "$*" in', 'case "$*" in *--require-hashes*) exit 1 ;;')
    (house.folder / "python").write_text(script)
    said = house.make("lab", fails=True)
    assert "HASHES=no installs the versions of constraints.txt without comparing hashes" in said
    assert [call.split()[0] for call in house.calls] == ["venv", "pip"]
    assert not (house.folder / ".venv" / ".lab").exists()


def test_app_takes_address_and_port_from_the_environment(house, free_port, monkeypatch):
    monkeypatch.setenv("PORT", str(free_port))
    monkeypatch.setenv("IP", "127.0.0.1")
    house.make("app")
    assert house.calls[-1] == f"fer_lib live --ip=127.0.0.1 --port={free_port}"


def test_app_passes_options_of_voila_on(house, free_port):
    house.make("app", f"PORT={free_port}", "ARGS=--Voila.token=secret")
    assert house.calls[-1] == f"fer_lib live --ip=localhost --port={free_port} --Voila.token=secret"


def test_lab_adds_jupyterlab(house):
    house.make("lab")
    _, packages, _, lab = house.calls
    assert packages.endswith("-r requirements/lab.txt")
    assert "--ServerApp.kernel_websocket_connection_class=fer_lib.live.server.connection.KernelConnection" in lab


def test_test_installs_everything_and_leaves_nothing_to_install(house, free_port):
    house.make("test", "ARGS=-k weights")
    assert house.calls[1].endswith("-r requirements/all.txt")
    assert house.calls[3] == "pytest -k weights"
    for word in ("check", "notebooks", "train", "bench", "lab"):
        house.make(word)
        assert not any(call.startswith(("pip", "venv")) for call in house.calls), word
        assert house.calls, word
    house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["fer_lib"]


def test_check_looks_at_style_types_and_notebooks(house):
    house.make("check")
    assert [call.split()[0] for call in house.calls[3:]] == ["ruff", "ruff", "mypy", "nbstripout"]


def test_bench_runs_every_benchmark(house):
    house.make("bench", "ARGS=--json")
    names = ("pipeline", "network", "stability", "live", "visitors", "service", "training")
    assert house.calls[3:] == [f"benchmarks.{name} --json" for name in names]


def test_fuzz_and_soak_run_what_is_too_long_for_a_test(house):
    house.make("fuzz", "ARGS=pictures")
    assert house.calls[3:] == ["stress.fuzz pictures"]
    house.make("soak", "ARGS=--kills 3")
    assert house.calls == ["stress.connection", "stress.slow_clients", "stress.flood", "stress.soak --kills 3"]


def test_train_passes_parameters_on(house):
    house.make("train", "ARGS=-p NUM_EPOCHS 2")
    assert house.calls[1].endswith("-r requirements/train.txt")
    assert house.calls[3] == "fer_lib.training.notebook -p NUM_EPOCHS 2"


def test_train_keeps_memory_that_torch_will_ask_for_again(house):
    house.make("train")
    assert house.log.read_text().splitlines()[-2:] == ["-m fer_lib.training.notebook", "blocks kept: 0"]
    house.make("lab")
    assert house.log.read_text().splitlines()[-1] == "blocks kept: no"


def test_train_repeats_the_runs_that_lie_beside_the_weights(house, project_root):
    house.make("train", "RECIPE=shipped")
    assert house.calls[3] == "fer_lib.training.notebook --recipe weights/shipped"
    assert list((project_root / "weights" / "shipped").glob("*/settings.json"))


def test_pip_options_of_the_user_are_passed_on(house):
    house.make("lab", "PIP_ARGS=--no-index")
    assert house.calls[1].startswith("pip install --no-index --require-hashes")


def test_environment_that_was_made_by_hand_is_kept(house, free_port):
    subprocess.run([house.folder / "python", "-m", "venv", "--clear", house.folder / ".venv"], check=True)
    house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["pip", "pip", "fer_lib"]


def test_environment_that_was_moved_is_made_anew(house, free_port):
    house.make("app", f"PORT={free_port}")
    house.folder = house.folder.rename(house.folder.with_name("moved"))
    house.log = house.folder / "calls"
    script = (house.folder / "python").read_text().replace("my house", "moved")
    for path in (house.folder / "python", house.folder / ".venv" / "bin" / "python"):
        path.write_text(script)
    house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["venv", "pip", "pip", "fer_lib"]


def test_environment_whose_python_is_gone_is_made_anew(house, free_port):
    house.make("app", f"PORT={free_port}")
    python = house.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    house.make("app", f"PORT={free_port}")
    assert [call.split()[0] for call in house.calls] == ["venv", "pip", "pip", "fer_lib"]


def test_old_python_is_refused_in_a_sentence(project_root, tmp_path):
    house = House(project_root, tmp_path / "house", version="3.9.2")
    said = house.make("app", fails=True)
    assert "`PYTHON` must be Python 3.11 or newer, but" in said
    assert "is Python 3.9.2" in said
    assert not (house.folder / ".venv").exists()


def test_clean_removes_what_was_made_and_keeps_what_is_yours(house, free_port):
    house.make("app", f"PORT={free_port}")
    kept = [house.folder / name for name in ("data/images/a.png", "runs/one/card.json", "weights/emotion.onnx", ".env")]
    junk = [house.folder / name for name in (".mypy_cache/x", "fer_lib/__pycache__/x.pyc")]
    for path in kept + junk:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    house.make("clean")
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in [*junk, house.folder / ".venv"])
