import numpy as np

from fer_lib.vision.round_robin import RoundRobin


def select(round_robin: RoundRobin, ids: list[int], count: int) -> list[int]:
    return [ids[row] for row in round_robin.select(np.array(ids, np.int64), count)]


def test_select_empty() -> None:
    assert select(RoundRobin(), [], 3) == []


def test_select_all_within_the_limit() -> None:
    round_robin = RoundRobin()
    for _ in range(3):
        assert select(round_robin, [5, 2, 9], 3) == [5, 2, 9]


def test_select_cycles_through_all() -> None:
    round_robin = RoundRobin()
    rounds = [select(round_robin, [1, 2, 3, 4, 5], 2) for _ in range(5)]
    assert rounds == [[1, 2], [3, 4], [1, 5], [2, 3], [1, 4]]


def test_select_new_faces_first() -> None:
    round_robin = RoundRobin()
    assert select(round_robin, [1, 2, 3], 1) == [1]
    assert select(round_robin, [3, 2, 1], 1) == [3]
    assert select(round_robin, [1, 2, 3, 7], 2) == [2, 7]


def test_select_removes_missing_faces() -> None:
    round_robin = RoundRobin()
    select(round_robin, [1, 2], 2)
    select(round_robin, [2], 1)
    assert select(round_robin, [2, 1], 1) == [1]
