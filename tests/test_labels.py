import re

import pytest

from fer_lib.labels import EMOTION_COLORS, EMOTIONS, label_index


def test_label_index_empty_text() -> None:
    with pytest.raises(ValueError, match=r"`label` must be one of angry, .*, but got ''"):
        label_index("")


@pytest.mark.parametrize("label", ["Happy", "contempt", " happy", "surprised"])
def test_label_index_unknown_label(label: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(label))):
        label_index(label)


def test_label_index_matches_order_of_emotions() -> None:
    assert [label_index(label) for label in EMOTIONS] == list(range(7))


def test_emotions_seven_in_alphabetical_order() -> None:
    assert len(EMOTIONS) == 7
    assert list(EMOTIONS) == sorted(set(EMOTIONS))


def test_emotion_colors_are_distinct() -> None:
    assert tuple(EMOTION_COLORS) == EMOTIONS
    assert len(set(EMOTION_COLORS.values())) == len(EMOTIONS)
    assert all(re.fullmatch("#[0-9A-F]{6}", color) for color in EMOTION_COLORS.values())
