"""FER+ votes are assigned by image name."""

import numpy as np

from fer_lib.evaluate.votes import look_up_votes


def test_look_up_votes_none_and_unknown_names():
    assert look_up_votes((), {}).shape == (0, 7)
    assert look_up_votes(("a", "b"), {"b": np.eye(7)[2]}).tolist() == [[0] * 7, np.eye(7)[2].tolist()]
