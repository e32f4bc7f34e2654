import numpy as np
import pytest

from fer_lib.labels import EMOTIONS, label_index
from fer_lib.metrics import softmax
from fer_lib.neutral_offset import MAX_OFFSET, NEUTRAL_PROBABILITY, add_offset, check_offset, estimate_offset

NEUTRAL, SAD, HAPPY = (label_index(label) for label in ("neutral", "sad", "happy"))


def make_rows(n: int = 40, seed: int = 0, **shares: float) -> np.ndarray:
    """Return noisy probabilities around these shares by label, the rest spread evenly."""
    row = np.full(len(EMOTIONS), (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares)))
    row[[label_index(label) for label in shares]] = list(shares.values())
    logits = np.log(row) + np.random.default_rng(seed).normal(0, 0.1, (n, len(row)))
    return softmax(logits).astype(np.float32)


def test_find_offset_of_a_face_that_looks_neutral_is_nothing():
    assert not estimate_offset(make_rows(neutral=0.9)).any()


def test_find_offset_of_what_a_neutral_face_should_give_is_nothing():
    row = np.full((1, 7), (1 - NEUTRAL_PROBABILITY) / 6, np.float32)
    row[0, NEUTRAL] = NEUTRAL_PROBABILITY
    np.testing.assert_allclose(estimate_offset(row), 0, atol=1e-6)


def test_find_offset_takes_down_what_a_resting_face_shows_too_much_of():
    rows = make_rows(sad=0.4, neutral=0.45)
    offset = estimate_offset(rows)
    assert offset[SAD] < -1.5
    assert np.flatnonzero(offset).tolist() == [SAD]
    after = add_offset(rows, offset).mean(axis=0)
    assert after[NEUTRAL] == pytest.approx(NEUTRAL_PROBABILITY, abs=0.1)


def test_find_offset_raises_nothing_and_is_bounded():
    for seed in range(20):
        offset = estimate_offset(np.random.default_rng(seed).dirichlet(np.full(7, 0.2), 30).astype(np.float32))
        assert offset.dtype == np.float32
        assert offset.max() <= 0
        assert offset.min() >= -MAX_OFFSET
        assert offset[NEUTRAL] == 0


def test_find_offset_does_not_mind_a_short_smile():
    resting = make_rows(40, sad=0.4, neutral=0.45)
    smile = make_rows(10, seed=1, happy=0.97)
    np.testing.assert_allclose(estimate_offset(np.vstack([resting, smile])), estimate_offset(resting), atol=0.15)


def test_find_offset_of_probabilities_that_are_nought():
    rows = np.zeros((3, 7), np.float32)
    rows[:, SAD] = 1
    assert np.isfinite(estimate_offset(rows)).all()


def test_a_clear_expression_still_wins():
    offset = estimate_offset(make_rows(happy=0.9))
    assert offset[HAPPY] == -MAX_OFFSET
    after = add_offset(make_rows(happy=0.97, neutral=0.01), offset)
    assert (after.argmax(axis=1) == HAPPY).all()


@pytest.mark.parametrize("rows", [np.zeros((0, 7)), np.zeros(7), np.zeros((2, 6))], ids=["none", "flat", "narrow"])
def test_find_offset_of_another_shape(rows):
    with pytest.raises(ValueError, match=r"must have the shape \(n, 7\)"):
        estimate_offset(rows)


def test_add_offset_is_an_offset_of_the_logits():
    logits = np.random.default_rng(0).normal(0, 2, (5, 7))
    offset = np.linspace(-2, 2, 7).astype(np.float32)
    np.testing.assert_allclose(add_offset(softmax(logits), offset), softmax(logits + offset), atol=1e-6)


def test_add_offset_without_faces():
    assert add_offset(np.zeros((0, 7), np.float32), np.zeros(7, np.float32)).shape == (0, 7)


@pytest.mark.parametrize("offset", [np.zeros(6), np.full(7, np.nan), np.full(7, -2.1), np.full(7, np.inf)], ids=str)
def test_check_offset_refuses(offset):
    with pytest.raises(ValueError, match="`offset` must"):
        check_offset(offset)
