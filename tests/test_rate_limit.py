"""Token bucket: burst, rate and capacity."""

from fer_lib.rate_limit import TokenBucket


def test_consume_burst_then_rate():
    bucket = TokenBucket(rate=10, capacity=5)
    assert [bucket.consume(1, 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [bucket.consume(1, 100.2) for _ in range(3)] == [True, True, False]


def test_consume_at_most_the_capacity():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.consume(5, 0.0)
    assert not bucket.consume(5.1, 1000.0)
    assert bucket.consume(5, 1000.0)


def test_consume_with_a_clock_that_is_set_back():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.consume(5, 10.0)
    assert not bucket.consume(1, 0.0)
    assert bucket.consume(1, 0.1)


def test_consume_leaves_the_tokens_when_refused():
    bucket = TokenBucket(rate=1, capacity=5)
    assert not bucket.consume(6, 0.0)
    assert bucket.consume(5, 0.0)


def test_refill_returns_the_tokens():
    bucket = TokenBucket(rate=10, capacity=5)
    assert bucket.refill(0.0) == 5
    assert bucket.consume(4, 0.0)
    assert bucket.refill(0.25) == 3.5
    assert bucket.refill(10.0) == 5
