"""The fuzz targets start and know their seeds; how many inputs they take is up to `make fuzz`."""

import os
import subprocess
import sys

import pytest

from faults.fuzz import INPUTS, seeds


@pytest.mark.parametrize("door", INPUTS)
def test_seeds_differ(door):
    found = seeds(door)
    assert len(set(found)) == len(found) > 1


def test_fuzz_comms_finds_nothing_in_its_seeds(tmp_path, project_root):
    pytest.importorskip("atheris", reason="atheris is made for Linux only")
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    command = [sys.executable, "-m", "faults.fuzz", "comms", "--inputs", "300"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(list((tmp_path / ".fuzz" / "comms").iterdir())) >= len(seeds("comms"))
