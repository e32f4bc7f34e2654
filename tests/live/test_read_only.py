"""Where nothing may be written: a home that is read-only, as in many containers and on shared machines."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.clips import compose_clip
from benchmarks.servers import serve_service, serve_voila
from benchmarks.visitor import Visitor
from fer_lib.live.commands import DEMO

pytestmark = pytest.mark.timeout(600)
COMMAND = [sys.executable, "-c", "from fer_lib.cli.main import script; script()"]


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder in which nobody may make a file, root neither."""
    folder = Path("/sys") if os.geteuid() == 0 else tmp_path
    if folder == tmp_path:
        folder.chmod(0o500)
    with pytest.raises(OSError, match=str(folder)):
        (folder / "file").touch()
    return folder


@pytest.fixture
def environment(locked: Path, tmp_path: Path) -> dict[str, str]:
    home = {"HOME": str(locked), "JUPYTER_DATA_DIR": str(locked / "data")}
    # IPython looks for another place itself, but root is told that the folder could be written to.
    return {**home, "IPYTHONDIR": str(tmp_path / "ipython")} if os.geteuid() == 0 else home


def test_the_live_page_needs_no_home(environment):
    async def visit(url: str) -> int:
        visitor = Visitor(url)
        await visitor.open()
        while not visitor.answered_s:
            await visitor.stream(compose_clip(3).jpegs, 10, 1)
        visitor.close()
        return len(visitor.answered_s)

    with serve_voila(environment=environment) as url:
        assert asyncio.run(asyncio.wait_for(visit(url), 300)) > 0


def test_the_service_needs_no_home(environment):
    body = b'--x\r\nContent-Disposition: form-data; name="model_type"\r\n\r\nfaces\r\n'
    body += (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + DEMO.read_bytes()
        + b"\r\n--x--\r\n"
    )
    with serve_service(environment) as (url, _):
        request = urllib.request.Request(url + "infer", body, {"Content-Type": "multipart/form-data; boundary=x"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


def test_the_command_needs_neither_home_nor_folder(environment, locked, project_root):
    environment = {**os.environ, **environment, "PYTHONPATH": str(project_root)}
    command = [*COMMAND, "photo", str(DEMO), "--json"]
    done = subprocess.run(command, cwd=locked, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert len(json.loads(done.stdout)["faces"]) == 1


def test_a_photo_that_cannot_be_saved_is_told(environment, locked):
    command = [*COMMAND, "photo", str(DEMO), "-o", str(locked / "out.png")]
    told = {"capture_output": True, "text": True, "timeout": 300, "check": False}
    done = subprocess.run(command, env={**os.environ, **environment}, **told)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f"{locked}" in done.stderr
    assert "permission denied" in done.stderr
