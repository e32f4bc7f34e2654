"""A Ray that the project starts can be reached from this machine only."""

import ipaddress
import os
import subprocess
import sys

import psutil
import pytest

from fer_lib.service.local_ray import CLUSTER_VARIABLE, bind_to_loopback


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, "0"), ({"RAY_ADDRESS": ""}, "0"), ({"RAY_ADDRESS": "auto"}, None), ({CLUSTER_VARIABLE: "1"}, "1")],
)
def test_bind_to_loopback_unless_a_cluster_is_named(monkeypatch, before, after):
    for name in ("RAY_ADDRESS", CLUSTER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    bind_to_loopback()
    assert os.environ.get(CLUSTER_VARIABLE) == after


def test_sweep_does_not_import_ray_before_the_variable_is_set(project_root):
    script = "import sys, fer_lib.service.sweep; print('ray' in sys.modules)"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.ray
@pytest.mark.usefixtures("small_ray")
def test_ray_listens_on_loopback_only():
    listening = [
        connection.laddr.ip
        for process in psutil.Process().children(recursive=True)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 5, "Ray has several ports of its own"
    assert [address for address in listening if not is_loopback(address)] == []
