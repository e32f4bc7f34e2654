"""The rate limit of a visitor's messages, with a clock of the test."""

import pytest

from fer_lib.live.server.rate_limit import (
    BURST_S,
    IN_FLIGHT_TIMEOUT_S,
    MAX_IN_FLIGHT,
    MAX_REJECTED,
    REJECTED_DECAY_PER_S,
    MessageRateLimit,
)
from fer_lib.settings import LiveSettings


def make_limit(**settings) -> MessageRateLimit:
    return MessageRateLimit(LiveSettings(**settings))


def test_admit_all_messages_of_a_page():
    limit = make_limit()
    for number in range(3000):
        assert limit.admit(60_000, number / 60)
        limit.complete()
    assert limit.rejected == 0


def test_admit_limits_the_number_of_messages():
    limit = make_limit(target_rate=30)
    admitted = 0
    for number in range(10_000):
        admitted += limit.admit(100, number / 1000)
        limit.complete()
    assert admitted == pytest.approx(90 * (10 + BURST_S), rel=0.02)
    assert limit.rejected == pytest.approx(10_000 - admitted - 10 * REJECTED_DECAY_PER_S, abs=5)


def test_admit_limits_the_number_of_bytes():
    limit = make_limit(max_frame_mb=8)
    admitted_bytes = 0
    for number in range(600):
        if limit.admit(8_000_000, number / 30):
            admitted_bytes += 8_000_000
        limit.complete()
    assert admitted_bytes == pytest.approx(30 * 640**2 * (20 + BURST_S), rel=0.05)
    assert limit.is_exceeded


def test_admit_uses_no_tokens_for_a_rejected_message():
    limit = make_limit(max_frame_mb=1)
    assert not limit.admit(10**9, 5.0)
    assert limit.admit(1_000_000, 5.0)


def test_admit_again_after_a_flood():
    limit = make_limit()
    while limit.admit(100, 5.0):
        limit.complete()
    assert limit.admit(100, 6.0)


def test_is_exceeded_after_too_many_rejected():
    limit = make_limit()
    for number in range(MAX_REJECTED):
        limit.reject(5.0 + number / 1e4)
    assert not limit.is_exceeded
    for _ in range(2):
        limit.reject(5.1)
    assert limit.is_exceeded


def test_reject_decays():
    limit = make_limit()
    for second in range(3000):
        for _ in range(REJECTED_DECAY_PER_S):
            limit.reject(float(second))
    assert not limit.is_exceeded


def test_admit_limits_messages_in_flight():
    limit = make_limit(target_rate=120)
    assert sum(limit.admit(100, number / 100) for number in range(900)) == MAX_IN_FLIGHT
    assert not limit.admit(100, 9.0)
    limit.complete()
    assert limit.admit(100, 9.1)
    assert limit.admit(100, 9.1 + IN_FLIGHT_TIMEOUT_S + 1), "messages in flight time out"


def test_admit_limits_bytes_in_flight():
    limit = make_limit(max_frame_mb=1)
    for number in range(1000):
        limit.admit(900_000, number / 10)
    assert 0 < sum(limit.in_flight) <= 30 * 640**2 * BURST_S
