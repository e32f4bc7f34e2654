"""What a visitor may send, on a clock of our own."""

import json

import pytest
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1

from fer_lib.live.gate import BURST_S, FORGET_S, FORGIVEN_PER_S, MAX_REFUSED, MAX_WAITING, Gate, is_well_formed
from fer_lib.settings import LiveSettings

V1 = serialize_msg_to_ws_v1([b"{}", b"{}", b"{}", b"{}", b"\xff\xd8 a frame"], "shell")
OLD = serialize_binary_message({"header": {}, "content": {}, "buffers": [b"\xff\xd8 a frame"]})


def make_gate(**settings) -> Gate:
    return Gate(LiveSettings(**settings))


def test_admit_everything_a_page_sends():
    gate = make_gate()
    for number in range(3000):
        assert gate.admit(60_000, number / 60)
        gate.leave()
    assert gate.refused == 0


def test_admit_only_so_many_of_a_flood():
    gate = make_gate(target_rate=30)
    admitted = 0
    for number in range(10_000):
        admitted += gate.admit(100, number / 1000)
        gate.leave()
    assert admitted == pytest.approx(90 * (10 + BURST_S), rel=0.02)
    assert gate.refused == pytest.approx(10_000 - admitted - 10 * FORGIVEN_PER_S, abs=5)


def test_admit_only_so_many_bytes():
    gate = make_gate(max_frame_mb=8)
    sizes = []
    for number in range(600):
        if gate.admit(8_000_000, number / 30):
            sizes.append(8_000_000)
        gate.leave()
    assert sum(sizes) == pytest.approx(30 * 640**2 * (20 + BURST_S), rel=0.05)
    assert gate.is_flooded


def test_admit_again_after_a_flood():
    gate = make_gate()
    while gate.admit(100, 5.0):
        gate.leave()
    assert gate.admit(100, 6.0)


def test_a_flood_is_told_from_a_page():
    gate = make_gate()
    for number in range(MAX_REFUSED):
        gate.refuse(5.0 + number / 1e4)
    assert not gate.is_flooded
    for _ in range(2):
        gate.refuse(5.1)
    assert gate.is_flooded


def test_what_is_refused_now_and_then_is_forgiven():
    gate = make_gate()
    for second in range(3000):
        for _ in range(FORGIVEN_PER_S):
            gate.refuse(float(second))
    assert not gate.is_flooded


def test_nothing_queues_before_a_kernel_that_does_not_answer():
    gate = make_gate(target_rate=120)
    assert sum(gate.admit(100, number / 100) for number in range(900)) == MAX_WAITING
    assert not gate.admit(100, 9.0)
    gate.leave()
    assert gate.admit(100, 9.1)
    assert gate.admit(100, 9.1 + FORGET_S + 1), "a visitor who was quiet is not refused for ever"


def test_only_so_many_bytes_wait():
    gate = make_gate(max_frame_mb=1)
    for number in range(1000):
        gate.admit(900_000, number / 10)
    assert sum(gate.waiting) <= 30 * 640**2 * BURST_S


@pytest.mark.parametrize(("message", "with_offsets"), [(V1, True), (OLD, False), (json.dumps({}), False)])
def test_is_well_formed_what_pages_send(message, with_offsets):
    assert is_well_formed(message, with_offsets)


@pytest.mark.parametrize(
    ("message", "with_offsets"),
    [
        (b"", True),
        (b"", False),
        ("{}", True),
        (b"\xff" * 16, True),
        (b"\xff" * 16, False),
        (b"\x7f\xff\xff\xff" + bytes(60), False),
        ((1 << 40).to_bytes(8, "little") + V1[8:], True),
        ((2).to_bytes(8, "little") + V1[8:], True),
        (V1[:8] + (1 << 60).to_bytes(8, "little") + V1[16:], True),
        (V1[:8] + bytes(8) + V1[16:], True),
        (V1[:-20], True),
        (OLD[:4] + (1 << 31).to_bytes(4, "big") + OLD[8:], False),
    ],
)
def test_is_well_formed_sees_what_would_hang_the_server(message, with_offsets):
    assert not is_well_formed(message, with_offsets)
