"""Read-only home and working directory, as in many containers and on shared machines."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fer_lib.live.session.commands import DEMO
from harness.clips import compose_clip
from harness.servers import NOTEBOOK, serve_service, serve_voila
from harness.visitor import Visitor

pytestmark = pytest.mark.timeout(600)
COMMAND = [sys.executable, "-c", "from fer_lib.cli.main import script; script()"]


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder in which no user can create a file, including root."""
    folder = Path("/sys") if os.geteuid() == 0 else tmp_path
    if folder == tmp_path:
        folder.chmod(0o500)
    with pytest.raises(OSError, match=str(folder)):
        (folder / "file").touch()
    return folder


@pytest.fixture
def environment(locked: Path, tmp_path: Path) -> dict[str, str]:
    home = {"HOME": str(locked), "JUPYTER_DATA_DIR": str(locked / "data")}
    # IPython chooses another folder itself, but not for root, for whom the permissions allow writing.
    return {**home, "IPYTHONDIR": str(tmp_path / "ipython")} if os.geteuid() == 0 else home


async def count_results(url: str) -> int:
    """Open the page, send frames until there are results, and return their number."""
    visitor = Visitor(url)
    await visitor.open()
    while not visitor.result_times_s:
        await visitor.stream(compose_clip(3).jpegs, 10, 1)
    visitor.close()
    return len(visitor.result_times_s)


def test_voila_in_the_project_folder(environment):
    with serve_voila(environment=environment) as url:
        assert asyncio.run(asyncio.wait_for(count_results(url), 300)) > 0


def test_voila_with_a_configuration_file_elsewhere(environment, locked, project_root):
    """In a folder that is read-only too."""
    options = (f"--Voila.config_file_paths={project_root}",)
    with serve_voila(
        project_root / NOTEBOOK, {**environment, "PYTHONPATH": str(project_root)}, options, folder=locked
    ) as url:
        assert asyncio.run(asyncio.wait_for(count_results(url), 300)) > 0


def test_service_with_a_read_only_home(environment):
    body = b'--x\r\nContent-Disposition: form-data; name="model_type"\r\n\r\nfaces\r\n'
    body += (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + DEMO.read_bytes()
        + b"\r\n--x--\r\n"
    )
    with serve_service(environment) as (url, _):
        request = urllib.request.Request(url + "infer", body, {"Content-Type": "multipart/form-data; boundary=x"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 200


def test_command_with_a_read_only_home_and_folder(environment, locked, project_root):
    environment = {**os.environ, **environment, "PYTHONPATH": str(project_root)}
    command = [*COMMAND, "photo", str(DEMO), "--json"]
    done = subprocess.run(command, cwd=locked, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert len(json.loads(done.stdout)["faces"]) == 1


def test_photo_that_cannot_be_saved(environment, locked):
    command = [*COMMAND, "photo", str(DEMO), "-o", str(locked / "out.png")]
    options = {"capture_output": True, "text": True, "timeout": 300, "check": False}
    done = subprocess.run(command, env={**os.environ, **environment}, **options)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f"{locked}" in done.stderr
    assert "permission denied" in done.stderr
