"""The service as a process: start, requests, shutdown, and one-line errors."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from fer_lib.service.__main__ import main
from fer_lib.settings import ServiceSettings
from harness.servers import find_port


def test_variable_prefix():
    assert ServiceSettings.variable("max_upload_mb") == "FER_SERVICE_MAX_UPLOAD_MB"


def test_main_wrong_setting(capsys):
    assert main(["--port", "70000"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("python -m fer_lib.service: `FER_SERVICE_PORT` ")
    assert "'70000'" in error
    assert error.count("\n") == 1


def test_main_missing_weights(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    assert main([]) == 2
    error = capsys.readouterr().err
    assert "mtcnn_pnet.json" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_main_serves_until_sigint(project_root, processes):
    port = find_port()
    command = [sys.executable, "-m", "fer_lib.service", "--port", str(port), "--processes", str(processes)]
    process = subprocess.Popen(command, cwd=project_root, env=os.environ, stderr=subprocess.PIPE, text=True)
    try:
        assert json.loads(fetch(process, f"http://127.0.0.1:{port}/health"))["status"] == "ok"
        assert 'fer_requests_total{path="/health",status="200"} 1.0' in fetch(
            process, f"http://127.0.0.1:{port}/metrics"
        )
    finally:
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=60)
    assert "Traceback" not in log


def fetch(process, url):
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, process.stderr.read()
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return response.read().decode()
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
