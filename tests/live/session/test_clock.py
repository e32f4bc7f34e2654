from fer_lib.live.session.clock import MAX_SKIPPING_S, StreamClock


def test_is_stale_first_frame():
    assert not StreamClock().is_stale(5.0, 1000.0)


def test_is_stale_frames_in_time():
    clock = StreamClock()
    assert not any(clock.is_stale(i / 30, 1000 + i / 30 + 0.02 * (i % 3)) for i in range(90))


def test_is_stale_queued_frames():
    clock = StreamClock()
    clock.is_stale(0.0, 1000.0)
    # The kernel was busy for four seconds, then handles the queued frames.
    assert [clock.is_stale(time_s, 1004.0) for time_s in (1.0, 2.0, 3.5, 4.0)] == [True, True, False, False]


def test_is_stale_after_a_clock_jump():
    clock = StreamClock()
    clock.is_stale(0.0, 1000.0)
    stale = [clock.is_stale(i / 32, 5000 + i / 32) for i in range(64)]
    skipped = int(32 * MAX_SKIPPING_S) + 1
    assert stale == [True] * skipped + [False] * (64 - skipped)


def test_is_stale_on_a_slow_network():
    clock = StreamClock()
    clock.is_stale(0.0, 1000.0)
    # Each frame has a latency of three seconds, and none is newer: only the first is skipped.
    assert [clock.is_stale(float(i), 1003.0 + i) for i in range(2, 12, 3)] == [True, False, False, False]


def test_time_s_never_decreases():
    clock = StreamClock()
    for time_s in (1.0, 3.0, 2.0):
        clock.is_stale(time_s, 1000.0)
    assert clock.time_s == 3.0
