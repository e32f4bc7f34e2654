"""Fuzz targets for HTTP: request bodies of the service, and `Host` headers."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import atheris
import numpy as np

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.hosts import is_local_host
    from fer_lib.service.app import create_app
    from fer_lib.settings import ServiceSettings, VisionSettings
    from fer_lib.vision.pipeline import Pipeline, load_pipeline

from stress.image_targets import MAX_PIXELS, FuzzTarget


class FakeEngine:
    """An inference engine over one pipeline, with uniform probabilities for single crops."""

    network_sha256 = "0" * 64

    def __init__(self, pipeline: Pipeline) -> None:
        self.analyze = self.detect = pipeline.analyze

    def classify(self, frame: np.ndarray) -> np.ndarray:
        """Return uniform probabilities `(7,)`."""
        return np.full(7, 1 / 7, np.float32)

    def open_stream(self) -> Any:
        """Raise: this target sends single images."""
        raise RuntimeError("the fuzz target must not open streams")


def make_service_target() -> FuzzTarget:
    """Make a target that posts bodies to `/infer`: a result or a 4xx status with one sentence, never a 5xx status.

    The first byte selects a raw body, or a multipart form with an image and a `model_type`.
    """
    import httpx

    pipeline = load_pipeline(VisionSettings.load())
    app = create_app(ServiceSettings.load(max_pixels=MAX_PIXELS, max_upload_mb=0.1), FakeEngine(pipeline))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def fuzz_one(data: bytes) -> None:
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        if data[:1] < b"\x40":
            request = client.post("/infer", content=data[1:], headers=form)
        else:
            kind = ("face", "emotion", "faces")[data[0] % 3]
            head = f'--x\r\nContent-Disposition: form-data; name="model_type"\r\n\r\n{kind}\r\n--x\r\n'
            file = 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            request = client.post("/infer", content=(head + file).encode() + data[1:] + b"\r\n--x--\r\n", headers=form)
        response = loop.run_until_complete(request)
        assert response.status_code in (200, 400, 413, 415, 422), (response.status_code, response.text)
        assert response.status_code == 200 or isinstance(response.json()["detail"], str)

    return fuzz_one


def make_hosts_target() -> FuzzTarget:
    """Make a target that checks `Host` headers: `is_local_host` accepts only what `urlsplit` parses to this computer."""

    def fuzz_one(data: bytes) -> None:
        host = data.decode("latin-1")
        if is_local_host(host, ()):
            name = urlsplit(f"http://{host}/").hostname or ""
            assert name.removesuffix(".") in ("localhost", "127.0.0.1") or ip_address(name) == ip_address("::1")

    return fuzz_one
