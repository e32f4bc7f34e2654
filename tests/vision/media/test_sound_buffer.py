"""Buffer of sound packets."""

from types import SimpleNamespace

import pytest

from fer_lib.vision.media import sound_buffer
from fer_lib.vision.media.sound_buffer import SoundBuffer


def test_pop_all_empty() -> None:
    buffer = SoundBuffer()
    assert buffer.pop_all() == []
    assert not buffer.has_overflowed


def test_pop_all_returns_each_packet_once() -> None:
    buffer = SoundBuffer()
    packets = [SimpleNamespace(size=10) for _ in range(3)]
    for packet in packets:
        buffer.add(packet)
    assert buffer.pop_all() == packets
    assert buffer.pop_all() == []


def test_add_drops_packets_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_buffer, "MAX_SOUND_BYTES", 25)
    buffer = SoundBuffer()
    packets = [SimpleNamespace(size=size) for size in (10, 15, 1)]
    for packet in packets:
        buffer.add(packet)
    assert buffer.has_overflowed
    assert buffer.pop_all() == packets[:2]
