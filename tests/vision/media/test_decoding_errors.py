"""Sentences about damaged videos."""

import pytest

from fer_lib.vision.media.decoding_errors import DecodingErrors


def test_sentences_intact_video() -> None:
    assert DecodingErrors(100).sentences(10.0, 10.0, is_interrupted=False) == []


@pytest.mark.parametrize(("reached_s", "is_reported"), [(10.0, False), (9.1, False), (8.9, True), (0.0, True)])
def test_sentences_truncated_video(reached_s: float, is_reported: bool) -> None:
    assert bool(DecodingErrors(100).sentences(reached_s, 10.0, is_interrupted=False)) == is_reported
    assert DecodingErrors(100).sentences(reached_s, 10.0, is_interrupted=True) == []


def test_sentences_undecoded_parts() -> None:
    errors = DecodingErrors(1_000)
    errors.add_undecoded(2.0)
    errors.add_undecoded(3.0)
    (sentence,) = errors.sentences(10.0, 10.0, is_interrupted=False)
    assert sentence.startswith("2 parts could not be decoded correctly, the first at 2.0 s")
    assert "MAX_PIXELS" not in sentence
    errors.has_large_frames = True
    (sentence,) = errors.sentences(10.0, 10.0, is_interrupted=False)
    assert sentence.endswith("`MAX_PIXELS` = 1,000 permits no larger frames")


def test_sentences_one_undecoded_part_at_the_truncation() -> None:
    errors = DecodingErrors(100)
    errors.add_undecoded(5.0)
    (sentence,) = errors.sentences(5.0, 10.0, is_interrupted=False)
    assert sentence == "it ends after 5.0 s instead of 10.0 s"


def test_sentences_replaced_times() -> None:
    errors = DecodingErrors(100)
    errors.replaced_times = 1
    assert errors.sentences(1.0, 1.0, is_interrupted=False) == [
        "the times of 1 frame were out of range and are replaced"
    ]
