import pytest
from PIL import Image

from benchmarks.animation import select_shots, write_gif


def make_shots(count: int, step_s: float) -> list[tuple[float, Image.Image]]:
    return [(100 + i * step_s, Image.new("RGB", (60, 40), (20 * i % 256, 80, 120))) for i in range(count)]


def test_select_shots_limits_the_rate_and_keeps_the_duration():
    images, shown_ms = select_shots(make_shots(31, 1 / 30), rate=6)
    assert 6 <= len(images) <= 8
    assert sum(shown_ms) == pytest.approx(1000, abs=200)


def test_select_shots_below_the_rate_keeps_all():
    images, shown_ms = select_shots(make_shots(4, 1.0), rate=6)
    assert len(images) == 4
    assert shown_ms[:3] == [1000, 1000, 1000]


@pytest.mark.parametrize("count", [0, 1])
def test_select_shots_with_fewer_than_two(count):
    with pytest.raises(ValueError, match=f"at least two images, but got {count}"):
        select_shots(make_shots(count, 1.0), rate=6)


def test_write_gif(tmp_path):
    images, shown_ms = select_shots(make_shots(5, 0.2), rate=5)
    size = write_gif(path := tmp_path / "page.gif", images, shown_ms, width=30)
    with Image.open(path) as gif:
        assert (gif.size, gif.n_frames, gif.info["loop"]) == ((30, 20), 5, 0)
        assert gif.info["duration"] == 200
    assert size == path.stat().st_size
