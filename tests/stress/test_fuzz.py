"""Fuzz targets have distinct seeds and cover every page message; `make fuzz` runs the full number of inputs."""

import os
import subprocess
import sys

import pytest

from fer_lib.live.session.messages import PAGE_MESSAGES
from stress.fuzz import INPUTS
from stress.seeds import make_seeds


@pytest.mark.parametrize("target", INPUTS)
def test_make_seeds_are_distinct(target):
    seeds = make_seeds(target)
    assert len(set(seeds)) == len(seeds) > 1


@pytest.mark.parametrize("kind", PAGE_MESSAGES)
def test_make_seeds_of_comms_contain_every_message_kind(kind):
    assert any(f'"type": "{kind}"'.encode() in seed for seed in make_seeds("comms"))


def run_python(folder, code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_dictionary_contains_every_message_kind_and_field(project_root):
    pytest.importorskip("atheris", reason="atheris is available for Linux only")
    words = run_python(project_root, "from stress.random_json import DICTIONARY; print(*DICTIONARY)")
    assert {*PAGE_MESSAGES, *(name for names in PAGE_MESSAGES.values() for name in names)} <= set(words)


def test_targets_match_inputs(project_root):
    pytest.importorskip("atheris", reason="atheris is available for Linux only")
    targets = run_python(project_root, "from stress.fuzz_targets import TARGETS; print(*TARGETS)")
    assert sorted(targets) == sorted(INPUTS)


def test_main_unknown_target(project_root):
    command = [sys.executable, "-m", "stress.fuzz", "nothing"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "but got nothing" in done.stderr


def test_fuzz_one_comms_passes_on_its_seeds(tmp_path, project_root):
    pytest.importorskip("atheris", reason="atheris is available for Linux only")
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    command = [sys.executable, "-m", "stress.fuzz", "comms", "--inputs", "300"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(list((tmp_path / ".fuzz" / "comms").iterdir())) >= len(make_seeds("comms"))
