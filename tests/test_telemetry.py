"""Telemetry of dependencies is disabled."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_lib.telemetry import TELEMETRY_OFF, disable_telemetry

# Environment variables that a child process needs to start. ONNX Runtime sends nothing where `CI`, `GITHUB_ACTIONS` or
# `TF_BUILD` is set, so these would hide a failure.
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
ANALYZE = "from fer_lib.vision import annotate_photo; print(annotate_photo('fer_lib/live/session/demo.jpg').labels)"


@pytest.fixture
def proxy() -> Iterator[socket.socket]:
    """A listener on 127.0.0.1 for the child's proxy variables, which Python's clients and ONNX Runtime's curl use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def clean_environment(tmp_path: Path, project_root: Path, proxy: socket.socket) -> dict[str, str]:
    """An environment without settings of the user, with an empty home folder."""
    address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    (tmp_path / "home").mkdir()
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), str(tmp_path / "home")),
        **dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy"), address),
        "PYTHONPATH": str(project_root),
    }


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def has_connection(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("before", [{}, dict.fromkeys(TELEMETRY_OFF, "")])
def test_disable_telemetry_sets_unset_and_empty_variables(before):
    environment = dict(before)
    disable_telemetry(environment)
    assert environment == TELEMETRY_OFF


def test_disable_telemetry_keeps_an_explicit_value():
    environment = {"ORT_DISABLE_TELEMETRY": "0", "RAY_USAGE_STATS_ENABLED": "1"}
    disable_telemetry(environment)
    assert environment == {**TELEMETRY_OFF, "ORT_DISABLE_TELEMETRY": "0", "RAY_USAGE_STATS_ENABLED": "1"}


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "fer_lib", "photo", "fer_lib/live/session/demo.jpg"],
        ["-c", ANALYZE],
        ["-c", "import subprocess, sys, fer_lib; subprocess.run([sys.executable, '-c', 'import onnxruntime'])"],
    ],
    ids=["command", "python", "child_process"],
)
def test_onnxruntime_writes_and_sends_nothing(command, clean_environment, project_root, proxy, tmp_path):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project_root,
        env=clean_environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert list_files(tmp_path / "home") == []
    assert not has_connection(proxy)


def test_dependencies_read_the_variables(clean_environment, project_root):
    script = (
        "import fer_lib\n"
        "from huggingface_hub.constants import HF_HUB_DISABLE_TELEMETRY\n"
        "from ray._common.usage.usage_lib import usage_stats_enabled\n"
        "print(HF_HUB_DISABLE_TELEMETRY, usage_stats_enabled())"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=project_root, env=clean_environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["True", "False"]


def test_onnxruntime_is_imported_only_by_the_package(project_root):
    """All other code uses networks through fer_lib, which sets the variable first."""
    folders = ("benchmarks", "stress", "deploy", ".ci", "binder")
    paths = [path for folder in folders for path in (project_root / folder).rglob("*.py")]
    assert len(paths) > 20
    assert [path.name for path in paths if "onnxruntime" in imported_packages(path)] == []
    notebooks = (project_root / "notebooks").glob("*.ipynb")
    assert [path.name for path in notebooks if "import onnxruntime" in path.read_text(encoding="utf-8")] == []


def test_makefile_sets_the_same_variables(project_root):
    text = (project_root / "Makefile").read_text()
    found = dict(re.findall(r"^export (\w+) \?= (\d)$", text, re.MULTILINE))
    assert {name: found.get(name) for name in TELEMETRY_OFF} == TELEMETRY_OFF


def test_jupyterlab_sends_no_requests(project_root):
    """Requests for news, newer versions and the list of extensions, in `make lab`, on Binder and in JupyterHub."""
    from jupyterlab.handlers.announcements import NeverCheckForUpdate
    from jupyterlab.labapp import LabApp
    from traitlets.config import Config

    text = (project_root / "Makefile").read_text().replace("\\\n", " ")
    assert "$(OFFLINE)" in re.search(r"^lab:.*\n(.*)$", text, re.MULTILINE)[1]
    from_make = LabApp()
    from_make.parse_command_line(re.search(r"^OFFLINE := (.*)$", text, re.MULTILINE)[1].split())
    from_file = LabApp(config=Config(json.loads((project_root / "binder" / "jupyter_server_config.json").read_text())))
    for app in (from_make, from_file):
        assert app.news_url is None
        assert app.check_for_updates_class is NeverCheckForUpdate
        assert app.extension_manager == "readonly"
