"""Consistency of the files in deploy/ and of the image with the code."""

import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any

import pytest
import yaml

from fer_lib.live.server.headers import HEADERS as PAGE_HEADERS
from fer_lib.settings import ServiceSettings
from fer_lib.sweeps.trials import list_trials, read_plan
from harness.servers import find_port


@pytest.fixture(scope="module")
def dockerfile(project_root: Path) -> str:
    return (project_root / "Dockerfile").read_text()


def test_ports_agree(dockerfile, project_root):
    page = re.search(r"^PORT \?= (\d+)", (project_root / "Makefile").read_text(), re.MULTILINE)[1]
    service = str(ServiceSettings().port)
    assert f"EXPOSE {page} {service}" in dockerfile
    for name in ("nginx.conf", "Caddyfile"):
        found = set(re.findall(r"127\.0\.0\.1:(\d+)", (project_root / "deploy" / name).read_text()))
        assert found == {page, service}


def test_nginx_forwards_uploads_and_websockets(project_root):
    text = (project_root / "deploy" / "nginx.conf").read_text()
    largest = int(re.search(r"client_max_body_size (\d+)m;", text)[1]) * 1024 * 1024
    assert largest > ServiceSettings().max_upload_bytes
    for line in ("proxy_buffering off;", "proxy_request_buffering off;", "proxy_set_header Upgrade $http_upgrade;"):
        assert line in text


def test_proxies_close_slow_connections(project_root):
    nginx = (project_root / "deploy" / "nginx.conf").read_text()
    for name in ("client_header_timeout", "client_body_timeout"):
        assert 1 <= int(re.search(rf"{name} (\d+)s;", nginx)[1]) <= 60
    assert nginx.count("limit_conn addresses") == 2, "a limit in a location disables inherited limits"
    caddy = (project_root / "deploy" / "Caddyfile").read_text()
    assert re.search(r"servers \{[^}]*timeouts \{\s+read_header \d+s\s+read_body \d+m\s", caddy)


PERMISSIONS = PAGE_HEADERS["Permissions-Policy"]
HEADERS = ("Permissions-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options")


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_set_security_headers(project_root, name):
    text = (project_root / "deploy" / name).read_text()
    for header in HEADERS:
        assert re.search(rf"^\s*(add_header )?{header} \S", text, re.MULTILINE), header
    assert f'"{PERMISSIONS}"' in text
    assert "frame-ancestors 'self'" in text
    assert "FER_ALLOWED_HOSTS=faces.example.org" in text
    assert re.search(r'proxy_cookie_flags ~ secure;|header_down Set-Cookie "\(\.\+\)" "\$1; Secure"', text)


def test_nginx_sets_headers_in_the_http_block_only(project_root):
    text = (project_root / "deploy" / "nginx.conf").read_text()
    indents = {len(line) - len(line.lstrip()) for line in text.splitlines() if "add_header " in line.split("#")[0]}
    assert indents == {4}, "an add_header in a server or location disables inherited headers"


def test_nginx_limits_requests_for_the_page_and_rejects_other_names(project_root):
    text = (project_root / "deploy" / "nginx.conf").read_text()
    zone = re.search(r"limit_req_zone \$binary_remote_addr zone=(\w+):", text)[1]
    (page,) = re.findall(r"location = / \{([^}]*)\}", text)
    assert f"limit_req zone={zone} " in page
    assert "limit_req_status 429;" in text
    (other,) = re.findall(r"server \{([^}]*default_server[^}]*)\}", text)
    assert "ssl_reject_handshake on;" in other
    assert "return 444;" in other
    assert "X-Forwarded-For $remote_addr;" in text


def load_hub(project_root: Path) -> Any:
    """Execute the configuration of JupyterHub, and return the options that it sets."""

    class Config(dict):
        """Configuration object with arbitrary nested options, as that of traitlets."""

        def __getattr__(self, name):
            return self.setdefault(name, Config())

        def __setattr__(self, name, value):
            self[name] = value

    config = Config()
    path = project_root / "deploy" / "jupyterhub_config.py"
    exec(compile(path.read_text(), path, "exec"), {"get_config": lambda: config, "__file__": str(path)})
    return config


def test_hub_opens_the_page_with_the_project_configuration(project_root):
    config = load_hub(project_root)
    page = config.Spawner.default_url.removeprefix("/voila/render/")
    assert (Path(config.Spawner.notebook_dir) / page).is_file()
    folders = config.Spawner.environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(folders[0]) / "jupyter_server_config.json").is_file()
    assert (Path(folders[1]) / "voila.json").is_file()
    assert config.JupyterHub.bind_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("value", [None, ""])
def test_hub_without_a_password_generates_a_random_one(project_root, monkeypatch, capsys, value):
    monkeypatch.delenv("TRIAL_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("TRIAL_PASSWORD", value)
    passwords = [load_hub(project_root).DummyAuthenticator.password for _ in range(2)]
    assert min(map(len, passwords)) >= 16
    assert passwords[0] != passwords[1]
    assert passwords[1] in capsys.readouterr().err
    monkeypatch.setenv("TRIAL_PASSWORD", "try-me")
    assert load_hub(project_root).DummyAuthenticator.password == "try-me"
    assert capsys.readouterr().err == ""


def test_kuberay_serves_the_same_application(project_root):
    inner = yaml.safe_load((project_root / "deploy" / "kuberay.yaml").read_text())["spec"]["serveConfigV2"]
    (cluster,) = yaml.safe_load(inner)["applications"]
    (here,) = yaml.safe_load((project_root / "deploy" / "ray-serve.yaml").read_text())["applications"]
    assert cluster["import_path"] == here["import_path"]
    assert [one["name"] for one in cluster["deployments"]] == [one["name"] for one in here["deployments"]]


def test_example_sweep_is_a_valid_plan(project_root):
    trials = list_trials(read_plan(project_root / "deploy" / "sweep.yaml"))
    assert len(trials) == 4
    assert Path(trials[0].settings["data_dir"]) == project_root / "data" / "sample"


def test_start_both_exits_with_the_first_process(project_root, tmp_path):
    """With a fake `fer-lib`: the page exits with 3, while the service would continue."""
    script = 'case $1 in live) echo "$@"; sleep 0.2; exit 3 ;; *) echo "$@"; exec sleep 60 ;; esac'
    (tmp_path / "fer-lib").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "fer-lib").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = [project_root / "deploy" / "start", "both"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert sorted(done.stdout.splitlines()) == ["live --ip 0.0.0.0", "serve"]

    assert done.returncode == 3


def test_start_executes_other_commands(project_root):
    command = [project_root / "deploy" / "start", "echo", "hello"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "hello\n"


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_healthy_exits_with_the_state_of_the_service(project_root, tmp_path, status, healthy):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with TCPServer(("localhost", 0), Handler) as server:  # HTTPServer looks up a host name first, which may be slow
        Thread(target=server.serve_forever, daemon=True).start()
        script = tmp_path / "healthy"
        text = (project_root / "deploy" / "healthy").read_text()
        script.write_text(text.replace("localhost:8000", f"localhost:{server.server_address[1]}"))
        done = subprocess.run([sys.executable, script, "service"], capture_output=True, text=True, check=False)
        server.shutdown()
    message = "" if healthy else "the service does not respond: HTTP Error 503: Service Unavailable\n"
    assert (done.returncode, done.stderr) == (int(not healthy), message)


def test_healthy_without_a_server(project_root, tmp_path):
    text = (project_root / "deploy" / "healthy").read_text()
    script = tmp_path / "healthy"
    script.write_text(re.sub(r"localhost:\d+", f"localhost:{find_port()}", text))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"the page does not respond: .+\n", done.stderr)
