"""A file that is no network is refused, even when its hash is right."""

import pytest

from fer_lib.vision.networks import open_network
from fer_lib.weights import load_weights, write_card


def test_open_network_answers():
    session = open_network(load_weights("mtcnn_pnet"))
    assert [value.name for value in session.get_outputs()] == ["offsets", "confidence"]


def test_open_network_that_is_none(tmp_path):
    (tmp_path / "odd.onnx").write_bytes(b"this is no network")
    write_card(tmp_path / "odd.json", {"name": "odd"})
    with pytest.raises(ValueError, match="`odd` must be a network"):
        open_network(load_weights("odd", tmp_path))
