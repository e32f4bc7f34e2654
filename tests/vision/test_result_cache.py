import numpy as np
import pytest

from fer_lib.settings import VisionSettings
from fer_lib.vision.result_cache import ResultCache, difference

NO_IDS = np.zeros(0, np.int64)
NO_CROPS = np.zeros((0, 8, 8, 1), np.uint8)


def make_crops(*grey: int, channels: int = 1) -> np.ndarray:
    return np.stack([np.full((8, 8, channels), level, np.uint8) for level in grey])


def make_cache(**settings: float) -> ResultCache:
    """Make a cache of face 1 with the grey level 100 and face 2 with 200, classified at 10 seconds."""
    defaults = {"cache_difference": 1.5, "cache_max_age_s": 0.25, "recognize_interval_s": 0, "recognize_at_once": 200}
    cache = ResultCache(VisionSettings(**(defaults | settings)))
    cache.store(make_crops(100, 200), np.array([1, 2]), np.eye(7, dtype=np.float32)[:2], 10.0)
    return cache


def test_stale_empty() -> None:
    stale = ResultCache(VisionSettings()).stale(NO_CROPS, NO_IDS, 0.0)
    assert stale.shape == (0,)
    assert stale.dtype == bool


def test_read_empty() -> None:
    cache = ResultCache(VisionSettings())
    cache.store(NO_CROPS, NO_IDS, np.zeros((0, 7), np.float32), 0.0)
    assert cache.read(NO_IDS).shape == (0, 7)


def test_stale_new_face() -> None:
    assert make_cache().stale(make_crops(100, 100), np.array([1, 3]), 10.1).tolist() == [False, True]


def test_stale_changed_crop() -> None:
    cache = make_cache(cache_difference=3)
    for level, expected in ((100, False), (102, False), (98, False), (103, True), (97, True)):
        assert cache.stale(make_crops(level), np.array([1]), 10.1).tolist() == [expected]


def test_stale_slow_changes_accumulate() -> None:
    cache = make_cache(cache_difference=3, cache_max_age_s=60)
    stale = [cache.stale(make_crops(100 + step), np.array([1]), 10 + step / 30)[0] for step in range(5)]
    assert stale == [False, False, False, True, True]


def test_stale_old_result() -> None:
    cache = make_cache(cache_max_age_s=0.25)
    for time_s, expected in ((10.0, False), (10.24, False), (10.25, True), (1e6, True), (9.9, False), (-1e6, True)):
        assert cache.stale(make_crops(100), np.array([1]), time_s).tolist() == [expected]


def test_stale_respects_the_interval() -> None:
    cache = make_cache(recognize_interval_s=0.0625)
    for time_s, expected in ((10.0, False), (10.0624, False), (10.0625, True), (9.95, False), (9.9, True)):
        assert cache.stale(make_crops(0), np.array([1]), time_s).tolist() == [expected]


def test_stale_limits_known_faces_only() -> None:
    cache = make_cache(recognize_at_once=1)
    cache.store(make_crops(100), np.array([1]), np.eye(7, dtype=np.float32)[:1], 10.5)
    ids = np.array([1, 2, 3, 4])
    assert cache.stale(make_crops(0, 0, 0, 0), ids, 11.0).tolist() == [False, True, True, True]
    cache.store(make_crops(200), np.array([2]), np.eye(7, dtype=np.float32)[:1], 11.0)
    assert cache.stale(make_crops(0, 0), ids[:2], 11.1).tolist() == [True, False]


@pytest.mark.parametrize("off", [{"cache_difference": 0}, {"cache_max_age_s": 0}])
def test_stale_zero_disables_caching(off: dict[str, float]) -> None:
    assert make_cache(**off).stale(make_crops(100), np.array([1]), 10.0).tolist() == [True]


def test_store_copies_crops() -> None:
    cache = ResultCache(VisionSettings())
    crops = make_crops(100)
    cache.store(crops, np.array([1]), np.eye(7, dtype=np.float32)[:1], 0.0)
    crops[:] = 0
    assert cache.stale(make_crops(100), np.array([1]), 0.1).tolist() == [False]


def test_read_in_any_order() -> None:
    np.testing.assert_array_equal(make_cache().read(np.array([2, 1])), np.eye(7)[[1, 0]])


def test_read_removes_other_faces() -> None:
    cache = make_cache()
    cache.read(np.array([2]))
    assert len(cache) == 1
    assert cache.stale(make_crops(100, 200), np.array([1, 2]), 10.1).tolist() == [True, False]


def test_difference_known_values() -> None:
    assert difference(*make_crops(7, 7)) == 0
    assert difference(*make_crops(0, 255, channels=3)) == 255
    first, second = make_crops(50, 50)
    second[:4] = 60
    assert difference(first, second) == difference(second, first) == 5
