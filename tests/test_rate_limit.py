"""The token bucket: a burst, then the rate, never more than the capacity."""

from fer_lib.rate_limit import TokenBucket


def test_take_burst_then_rate():
    bucket = TokenBucket(rate=10, capacity=5)
    assert [bucket.take(1, 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [bucket.take(1, 100.2) for _ in range(3)] == [True, True, False]


def test_take_is_limited_by_the_capacity():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.take(5, 0.0)
    assert not bucket.take(5.1, 1000.0)
    assert bucket.take(5, 1000.0)


def test_take_clock_that_goes_back():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.take(5, 10.0)
    assert not bucket.take(1, 0.0)
    assert bucket.take(1, 0.1)


def test_take_removes_no_tokens_when_refused():
    bucket = TokenBucket(rate=1, capacity=5)
    assert not bucket.take(6, 0.0)
    assert bucket.take(5, 0.0)


def test_refill_returns_the_tokens():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.refill(0.0) == 5
    assert bucket.take(4, 0.0)
    assert bucket.refill(0.25) == 3.5
    assert bucket.refill(10.0) == 5
