"""The Ray Serve deployment on a local cluster: two replicas, of which one is killed."""

import json
import time
from pathlib import Path

import httpx
import pytest
import yaml

from harness.servers import find_port

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
ray = pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(small_ray):
    """Two replicas behind one port."""
    from ray import serve

    from fer_lib.service.ray_deployment import build

    port = find_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    options = {"num_replicas": 2, "ray_actor_options": {"num_cpus": 1}, "health_check_period_s": 1}
    serve.run(build(options))
    yield f"http://127.0.0.1:{port}"
    serve.shutdown()


def post_until_ok(client, data, tries=60):
    """Request boxes with retries; return the response and the number of requests."""
    for number in range(1, tries + 1):
        try:
            response = client.post("/infer", files={"file": data}, data={"model_type": "face"})
            if response.status_code == 200:
                return response.json(), number
            assert response.status_code in (500, 502, 503), response.text
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"no response after {tries} requests")


def test_replica_killed_requests_can_be_retried(address, portrait):
    with httpx.Client(base_url=address, timeout=60) as client:
        expected, _ = post_until_ok(client, portrait)
        assert len(expected["boxes"]) == 1
        actors = ray.util.list_named_actors(all_namespaces=True)
        replicas = [actor for actor in actors if actor["name"].startswith("SERVE_REPLICA::")]
        assert len(replicas) == 2
        responses = []
        for number in range(30):
            if number == 5:
                ray.kill(ray.get_actor(**replicas[0]))
            responses.append(post_until_ok(client, portrait)[0])
        assert responses == [expected] * 30
        assert client.get("/docs").status_code == 200
        assert client.post("/infer", files={"file": b"x"}, data={"model_type": "face"}).status_code == 415


def test_stream_stays_at_its_replica(address, portrait):
    from websockets.sync.client import connect

    with connect(address.replace("http", "ws") + "/stream") as socket:
        found = []
        for _ in range(5):
            socket.send(portrait)
            (face,) = json.loads(socket.recv(timeout=60))["faces"]
            found.append(face["track_id"])
    assert len(set(found)) == 1


@pytest.mark.parametrize(("names", "status"), [(None, 200), ("faces.example.org", 403)])
def test_build_host_check_only_with_allowed_hosts(monkeypatch, names, status):
    from fastapi.testclient import TestClient

    from fer_lib.service import ray_deployment

    if names:
        monkeypatch.setenv("FER_SERVICE_ALLOWED_HOSTS", names)
    assert TestClient(ray_deployment._build()).get("/health", headers={"host": "any.example"}).status_code == status


def test_deployment_file_matches_ray_and_code():
    from ray.serve.schema import ServeDeploySchema

    from fer_lib.service import ray_deployment

    text = yaml.safe_load((ROOT / "deploy" / "ray-serve.yaml").read_text())
    (application,) = ServeDeploySchema.model_validate(text).applications
    module, name = application.import_path.split(":")
    assert module == ray_deployment.__name__
    assert hasattr(ray_deployment, name)
    assert [one.name for one in application.deployments] == [ray_deployment.NAME]
