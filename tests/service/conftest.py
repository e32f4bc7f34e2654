"""Test clients of the service: over the shipped networks, and over a fake engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import uvicorn
from factories import compose_frame, make_faces
from fastapi.testclient import TestClient

from fer_lib.faces import Faces
from fer_lib.service.app import create_app
from fer_lib.service.engine import Engine
from fer_lib.service.inference import InferenceEngine
from fer_lib.service.serving import server_options
from fer_lib.settings import ServiceSettings
from harness.servers import find_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "testserver"  # `Host` header of Starlette's test client


class FakeStream:
    """Stream of a fake engine; records times and smoothing settings."""

    def __init__(self, engine: "FakeEngine") -> None:
        self.times_s: list[float] = []
        self.smoothings: list[float] = []
        self._engine = engine

    def process(self, frame: np.ndarray, time_s: float) -> Faces:
        self.times_s.append(time_s)
        return self._engine.analyze(frame).with_columns(track_id=np.array([7, 3]), raw_probabilities=self._engine.raw)

    def adjust(self, smoothing_s: float) -> None:
        self.smoothings.append(smoothing_s)


class FakeEngine:
    """Returns two faces for any image; blocks while `gate` is cleared, and raises `fault` if set.

    In streams, `raw` is `raw_probabilities`.
    """

    network_sha256 = "0" * 64

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Semaphore(0)
        self.fault: Exception | None = None
        self.raw: np.ndarray | None = None
        self.streams: list[FakeStream] = []

    def analyze(self, frame: np.ndarray) -> Faces:
        self.started.release()
        assert self.gate.wait(20)
        if self.fault:
            raise self.fault
        return make_faces(2, frame.shape[1], frame.shape[0]).with_columns(track_id=None)

    def detect(self, frame: np.ndarray) -> Faces:
        return self.analyze(frame).with_columns(probabilities=None)

    def classify(self, frame: np.ndarray) -> np.ndarray:
        return self.analyze(frame).probabilities[0]

    def open_stream(self) -> FakeStream:
        self.streams.append(FakeStream(self))
        return self.streams[-1]


@pytest.fixture(scope="session")
def real_engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def real(real_engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(ServiceSettings(allowed_hosts=HOST), real_engine)) as client:
        yield client


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def make_client(engine: FakeEngine) -> Iterator[Callable[..., TestClient]]:
    """Create clients of services with other settings, over `engine`; the default address has no limits per client."""
    opened = []

    def make(address: str = "127.0.0.1", **settings: object) -> TestClient:
        app = create_app(ServiceSettings(**{"allowed_hosts": HOST, **settings}), engine)
        client = TestClient(app, raise_server_exceptions=False, client=(address, 50000))
        opened.append(client.__enter__())
        return client

    yield make
    engine.gate.set()
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


@pytest.fixture
def url(engine: FakeEngine) -> Iterator[str]:
    """Address of a service over `engine`."""
    with served(engine) as url:
        yield url
        engine.gate.set()


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """A JPEG of 640 × 480 pixels with one face around (200, 240)."""
    return encode(compose_frame([(200, 240, 200)])[0])


@contextmanager
def served(engine: InferenceEngine, port: int | None = None, **settings: object) -> Iterator[str]:
    """Serve the application with uvicorn in a thread; yield its address."""
    port = port or find_port()
    service = ServiceSettings(port=port, **settings)
    options = {**server_options(service), "log_level": "error", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(create_app(service, engine), **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def encode(frame: np.ndarray, ending: str = ".jpg") -> bytes:
    """Encode RGB pixels as an image file."""
    return cv2.imencode(ending, frame[..., ::-1] if frame.ndim == 3 else frame)[1].tobytes()
