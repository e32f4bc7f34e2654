import numpy as np

from fer_lib.vision.round_robin import RoundRobin


def take(turns: RoundRobin, numbers: list[int], most: int) -> list[int]:
    return [numbers[row] for row in turns.take(np.array(numbers, np.int64), most)]


def test_take_empty() -> None:
    assert take(RoundRobin(), [], 3) == []


def test_take_everyone_if_there_is_room() -> None:
    turns = RoundRobin()
    for _ in range(3):
        assert take(turns, [5, 2, 9], 3) == [5, 2, 9]


def test_take_everyone_gets_a_turn() -> None:
    turns = RoundRobin()
    rounds = [take(turns, [1, 2, 3, 4, 5], 2) for _ in range(5)]
    assert rounds == [[1, 2], [3, 4], [1, 5], [2, 3], [1, 4]]


def test_take_in_any_order_and_newcomers_first() -> None:
    turns = RoundRobin()
    assert take(turns, [1, 2, 3], 1) == [1]
    assert take(turns, [3, 2, 1], 1) == [3]
    assert take(turns, [1, 2, 3, 7], 2) == [2, 7]


def test_take_forgets_who_is_gone() -> None:
    turns = RoundRobin()
    take(turns, [1, 2], 2)
    take(turns, [2], 1)
    assert take(turns, [2, 1], 1) == [1]
