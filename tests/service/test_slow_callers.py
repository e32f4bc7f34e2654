"""Two hundred callers who never come to their end keep nobody else from an answer."""

import asyncio

import pytest

from benchmarks.servers import serve_service, serve_voila
from faults.slow_callers import USUAL, crowd

pytestmark = pytest.mark.timeout(300)
CALLERS = 200


def test_the_service_answers_beside_slow_callers():
    with serve_service() as (url, _):
        found = asyncio.run(crowd(url, USUAL["service"], CALLERS, 2))
    assert found["held"] == CALLERS, "without slow callers this says nothing"
    assert found["answered"] > 0
    assert found["refused"] == 0
    assert found["grown_mb"] < 50


def test_the_page_answers_beside_slow_callers():
    with serve_voila() as url:
        found = asyncio.run(crowd(url, USUAL["page"], CALLERS, 2))
    assert found["held"] == CALLERS, "without slow callers this says nothing"
    assert found["answered"] > 0
    assert found["refused"] == 0
    assert found["grown_mb"] < 50
