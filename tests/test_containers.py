"""Container image and compose files: contents, least privilege and resource limits."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from fer_lib.settings import ServiceSettings
from fer_lib.telemetry import TELEMETRY_OFF


@pytest.fixture(scope="module")
def dockerfile(project_root: Path) -> str:
    return (project_root / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def services(project_root: Path) -> dict[str, dict]:
    return yaml.safe_load((project_root / "compose.yaml").read_text())["services"]


def copied(dockerfile: str) -> set[str]:
    """Return the paths of the project that the image copies."""
    lines = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+)$", dockerfile, re.MULTILINE)
    return {name for line in lines for name in line.split()[:-1]}


def last_stage(dockerfile: str) -> str:
    return dockerfile.rpartition("\nFROM ")[2]


def test_dockerignore_matches_the_copied_paths(dockerfile, project_root):
    lines = (project_root / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    included = {line[1:] for line in rules if line.startswith("!")}
    assert rules[0] == "*", "the default is to exclude"
    assert copied(dockerfile) == included
    assert [name for name in included if not (project_root / name).exists()] == []
    assert {name.split("/")[0] for name in included} & {".git", ".env", "data", "runs", ".venv", "."} == set()


def test_image_copies_all_contents_of_the_wheel(dockerfile, project_root):
    build = tomllib.loads((project_root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    before = dockerfile.partition("pip wheel")[0]
    assert {*build["packages"], *build["force-include"]} <= copied(before)


def test_image_requires_hashes(dockerfile):
    installs = re.findall(r"/pip (?:install|wheel) (.+?)(?: \\$| &&|$)", dockerfile, re.MULTILINE)
    assert len(installs) == 4
    assert [words for words in installs if not words.startswith(("--require-hashes -r", "--no-deps"))] == []
    assert "--require-hashes -r requirements/service.txt" in installs


def test_image_non_root_user_without_shell_and_health_check(dockerfile):
    final = last_stage(dockerfile)
    user = re.search(r"^USER (?!root|0)(\w+)$", final, re.MULTILINE)[1]
    assert re.search(rf"^RUN useradd .*--shell /usr/sbin/nologin {user}$", final, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*/app/healthy", final, re.MULTILINE)
    assert final.index("USER") < final.index("ENTRYPOINT")


def test_image_single_base_image(dockerfile):
    """One digest then pins all stages."""
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_image_disables_telemetry(dockerfile):
    assert {name: value for name, value in TELEMETRY_OFF.items() if f" {name}={value}" in dockerfile} == TELEMETRY_OFF


@pytest.mark.parametrize("name", ["page", "service"])
def test_compose_least_privilege(services, name):
    container = services[name]
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["read_only"] is True
    assert not container.get("privileged")
    assert "volumes" not in container
    assert "network_mode" not in container


@pytest.mark.parametrize("name", ["page", "service"])
def test_compose_limits_memory_processes_and_cpus(services, name):
    container = services[name]
    assert re.fullmatch(r"[1-8]g", container["mem_limit"])
    assert container["memswap_limit"] == container["mem_limit"], "no additional swap"
    assert 100 <= container["pids_limit"] <= 2048
    assert 0 < float(container["cpus"]) <= 4
    assert all("size=" in folder for folder in container["tmpfs"]), "a tmpfs without a size takes half of the memory"


def test_compose_visitors_fit_into_memory(services):
    visitors = int(services["page"]["environment"]["FER_MAX_VISITORS"])
    assert 1 <= visitors * 0.25 < int(services["page"]["mem_limit"].rstrip("g"))


def test_compose_publishes_on_loopback(services, project_root):
    page = re.search(r"^PORT \?= (\d+)", (project_root / "Makefile").read_text(), re.MULTILINE)[1]
    service = ServiceSettings().port
    assert services["page"]["ports"] == [f"127.0.0.1:{page}:{page}"]
    assert services["service"]["ports"] == [f"127.0.0.1:{service}:{service}"]


def test_docs_docker_run_publishes_on_loopback(project_root):
    """Docker opens `-p 8866:8866` to the network, past the firewall of most systems."""
    files = [project_root / name for name in ("README.md", "Dockerfile", "compose.yaml")]
    files += [path for folder in ("docs", "deploy") for path in (project_root / folder).iterdir()]
    texts = {path.name: path.read_text(encoding="utf-8", errors="ignore") for path in files if path.is_file()}
    found = [
        (name, port) for name, text in texts.items() for port in re.findall(r"(?:-p|--publish)[ =](\S+:\d+)", text)
    ]
    assert len(found) > 3
    assert [entry for entry in found if not entry[1].startswith("127.0.0.1:")] == []


def test_kuberay_least_privilege_and_token(project_root):
    cluster = yaml.safe_load((project_root / "deploy" / "kuberay.yaml").read_text())["spec"]["rayClusterConfig"]
    assert cluster["authOptions"] == {"mode": "token"}
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    containers = [container for pod in pods for container in pod["template"]["spec"]["containers"]]
    assert len(containers) == 2
    for container in containers:
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["runAsUser"] == 1000, "Kubernetes can't verify a user name"
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_kuberay_network_policy_allows_the_service_port(project_root):
    policy = yaml.safe_load((project_root / "deploy" / "kuberay-network.yaml").read_text())["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    open_to_all = [rule["ports"] for rule in policy["ingress"] if "from" not in rule]
    assert open_to_all == [[{"port": ServiceSettings().port}]]


def test_ray_serve_listens_on_loopback(project_root):
    config = yaml.safe_load((project_root / "deploy" / "ray-serve.yaml").read_text())
    assert config["http_options"] == {"host": "127.0.0.1", "port": ServiceSettings().port}
