"""Start Voila, Jupyter or the HTTP service as a child process, and end it at the end of a `with` block."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from fer_lib.cli.live import voila_command
from fer_lib.live.session.message_history import HISTORY_SIZE

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "notebooks/04_live.ipynb"
CONNECTION = "fer_lib.live.server.connection.KernelConnection"
START_S = 120


@contextmanager
def serve_voila(
    notebook: str | Path = NOTEBOOK,
    environment: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    log: Path | None = None,
    port: int | None = None,
    folder: Path = ROOT,
) -> Iterator[str]:
    """Serve the live page as `fer-lib live` does; yield its address.

    Args:
        notebook: notebook of the page.
        environment: more environment variables.
        options: more options of Voila.
        log: file for the server's output.
        port: port; `None`: a free one.
        folder: working directory, whose `voila.json` applies.
    """
    port = port or find_port()
    with _run(voila_command(Path(notebook), port, options=options), environment, log, folder) as process:
        yield _wait_for(f"http://localhost:{port}/", "voila/static/voila.js", process)


@contextmanager
def serve_jupyter(app: str, environment: Mapping[str, str] | None = None, token: str = "") -> Iterator[str]:
    """Serve the project folder with Jupyter Server (`server`, as on Binder) or JupyterLab (`lab`); yield its address."""
    port = find_port()
    command = {"server": "jupyter_server", "lab": "jupyterlab"}[app]
    options = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": ROOT,
        "IdentityProvider.token": token,
        "ServerApp.kernel_websocket_connection_class": CONNECTION,
        "Session.digest_history_size": HISTORY_SIZE,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    with _run([sys.executable, "-m", command, *arguments], environment) as process:
        yield _wait_for(f"http://localhost:{port}/", "api", process)


@contextmanager
def serve_service(
    environment: Mapping[str, str] | None = None, port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the HTTP API; yield its address and its process."""
    port = port or find_port()
    with _run([sys.executable, "-m", "fer_lib.service", f"--port={port}"], environment) as process:
        yield _wait_for(f"http://localhost:{port}/", "health", process), process


def find_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_kernel(kernel_id: str) -> psutil.Process:
    """Return the process of a kernel.

    Raises:
        RuntimeError: if it does not run.
    """
    for process in psutil.process_iter(["cmdline"]):
        if any(kernel_id in word for word in process.info["cmdline"] or ()):
            return process
    raise RuntimeError(f"kernel {kernel_id} must run, but there is no such process")


@contextmanager
def _run(
    command: list[str], environment: Mapping[str, str] | None, log: Path | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory(prefix="fer-server-") as folder:
        log = log or Path(folder, "log")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                # The user's Jupyter configuration and workspaces must not change results.
                env={**os.environ, "JUPYTER_CONFIG_DIR": folder, **(environment or {})},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        except BaseException as error:
            error.add_note(f"output of the server:\n{log.read_text(errors='replace')[-4000:]}")
            raise
        finally:
            _end(process)


def _wait_for(url: str, path: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server must run, but it ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url + path, timeout=5):
                return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"the server must respond at {url} within {START_S} seconds, but it did not")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process group with SIGTERM, which ends the kernels, and with SIGKILL after a timeout."""
    for number, timeout_s in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                continue
