"""Test FER+ votes: both table formats, blending, counts out of range."""

import numpy as np
import pytest

from fer_lib.dataset.votes import LABEL_OF_VOTE, blend_targets, look_up_votes, read_votes
from fer_lib.labels import EMOTIONS
from fer_lib.training.learning.batches import one_hot

MICROSOFT = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


def test_read_votes_both_forms(tmp_path):
    table = tmp_path / "votes.csv"
    table.write_text(
        MICROSOFT + "Training,fer0000001.png,5,0,0,3,2,0,0,0,0,0\nTraining,fer2.png,0,0,0,0,0,0,0,0,0,10\n"
    )
    votes = read_votes(table)
    assert list(votes) == ["fer0000001"]
    assert dict(zip(EMOTIONS, votes["fer0000001"].round(3).tolist(), strict=True)) == pytest.approx(
        {"angry": 0.2, "disgust": 0, "fear": 0, "happy": 0, "neutral": 0.5, "sad": 0.3, "surprise": 0}
    )
    table.write_text(
        "name,votes_neutral,votes_happiness,votes_surprise,votes_sadness,votes_anger,votes_disgust,votes_fear\na,0,4,0,0,0,0,\n"
    )
    assert read_votes(table)["a"][EMOTIONS.index("happy")] == 1


def test_read_votes_missing_file_or_column(tmp_path):
    with pytest.raises(FileNotFoundError, match="FERPLUS_CSV"):
        read_votes(tmp_path / "none.csv")
    (tmp_path / "invalid.csv").write_text("name,joy\na,1\n")
    with pytest.raises(ValueError, match="happiness"):
        read_votes(tmp_path / "invalid.csv")


def test_blend_targets_keeps_rows_without_votes():
    targets = one_hot(np.array([0, 3]))
    votes = {"a": np.full(7, 1 / 7, np.float32)}
    blended = blend_targets(targets, ("a", "b"), votes, 0.5)
    assert blended[0, 0] == pytest.approx(0.5 + 0.5 / 7)
    assert blended.sum(axis=1) == pytest.approx([1, 1])
    assert (blended[1] == targets[1]).all()


@pytest.mark.parametrize("count", ["-1", "nan", "inf", "1e300", "many"])
def test_read_votes_count_out_of_range(tmp_path, count):
    (tmp_path / "votes.csv").write_text(f"name,{','.join(LABEL_OF_VOTE)}\na.png,{count},0,0,0,0,0,0\n")
    with pytest.raises(ValueError, match=r"row 1 of .*votes\.csv must have vote counts from 0 to"):
        read_votes(tmp_path / "votes.csv")


def test_look_up_votes_none_and_unknown_names():
    assert look_up_votes((), {}).shape == (0, 7)
    assert look_up_votes(("a", "b"), {"b": np.eye(7)[2]}).tolist() == [[0] * 7, np.eye(7)[2].tolist()]
