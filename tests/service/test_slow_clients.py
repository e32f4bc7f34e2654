"""Slow-loris: two hundred clients that never complete a request do not block other clients."""

import asyncio

import pytest

from harness.servers import serve_service, serve_voila
from stress.slow_clients import PATHS, measure

pytestmark = pytest.mark.timeout(300)
CLIENTS = 200


def test_service_with_slow_clients():
    with serve_service() as (url, _):
        found = asyncio.run(measure(url, PATHS["service"], CLIENTS, 2))
    assert found["held"] == CLIENTS, "the slow clients must stay connected"
    assert found["answered"] > 0
    assert found["refused"] == 0
    assert found["grown_mb"] < 50


def test_page_with_slow_clients():
    with serve_voila() as url:
        found = asyncio.run(measure(url, PATHS["page"], CLIENTS, 2))
    assert found["held"] == CLIENTS, "the slow clients must stay connected"
    assert found["answered"] > 0
    assert found["refused"] == 0
    assert found["grown_mb"] < 50
