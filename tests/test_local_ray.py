"""A local Ray cluster is reachable from this machine only."""

import ipaddress
import os
import subprocess
import sys

import psutil
import pytest

from fer_lib.local_ray import LOCAL_RAY, restrict_local_ray

NAMES = {*LOCAL_RAY, "RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}


def clear_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables, and restore all at the end of the test."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, LOCAL_RAY),
        ({"RAY_ADDRESS": ""}, {**LOCAL_RAY, "RAY_ADDRESS": ""}),
        ({"RAY_ADDRESS": "auto"}, {"RAY_ADDRESS": "auto"}),
        ({"RAY_AUTH_MODE": "disabled"}, {**LOCAL_RAY, "RAY_AUTH_MODE": "disabled"}),
    ],
)
def test_restrict_local_ray_without_cluster_address(monkeypatch, before, after):
    clear_ray(monkeypatch)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    restrict_local_ray()
    token = os.environ.pop("RAY_AUTH_TOKEN", "")
    assert {name: value for name, value in os.environ.items() if name.startswith("RAY_") and name in NAMES} == after
    assert len(token) == (0 if before.get("RAY_ADDRESS") else 64)


def test_restrict_local_ray_keeps_token(monkeypatch):
    clear_ray(monkeypatch)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "my own")
    restrict_local_ray()
    assert os.environ["RAY_AUTH_TOKEN"] == "my own"


def test_restrict_local_ray_keeps_token_file(monkeypatch):
    clear_ray(monkeypatch)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "token")
    restrict_local_ray()
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_import_sweep_without_ray(project_root):
    script = "import sys, fer_lib.sweeps.sweep; print('ray' in sys.modules)"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.ray
@pytest.mark.usefixtures("small_ray")
def test_connect_ray_listens_on_loopback_only():
    listening = [
        connection.laddr.ip
        for process in psutil.Process().children(recursive=True)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 5, "Ray has several ports of its own"
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert [address for address in listening if not is_loopback(address)] == []
