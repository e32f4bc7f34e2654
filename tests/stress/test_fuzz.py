"""The fuzz targets start and know their seeds; how many inputs they take is up to `make fuzz`."""

import os
import subprocess
import sys

import pytest

from fer_lib.live.session.messages import PAGE_MESSAGES
from stress.fuzz import INPUTS, seeds


@pytest.mark.parametrize("door", INPUTS)
def test_seeds_differ(door):
    found = seeds(door)
    assert len(set(found)) == len(found) > 1


@pytest.mark.parametrize("kind", PAGE_MESSAGES)
def test_seeds_of_comms_hold_every_message_kind(kind):
    assert any(f'"type": "{kind}"'.encode() in seed for seed in seeds("comms"))


def test_fuzz_targets_know_every_message_kind_and_field(project_root):
    pytest.importorskip("atheris", reason="atheris is made for Linux only")
    command = [sys.executable, "-c", "from stress.fuzz_targets import WORDS; print(*WORDS)"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True)
    assert {*PAGE_MESSAGES, *(name for names in PAGE_MESSAGES.values() for name in names)} <= set(done.stdout.split())


def test_fuzz_comms_finds_nothing_in_its_seeds(tmp_path, project_root):
    pytest.importorskip("atheris", reason="atheris is made for Linux only")
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    command = [sys.executable, "-m", "stress.fuzz", "comms", "--inputs", "300"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(list((tmp_path / ".fuzz" / "comms").iterdir())) >= len(seeds("comms"))
