"""A file that is no network is refused, even when its hash is right."""

import onnx
import pytest
from onnx import helper

from fer_lib.vision.mtcnn.networks import open_network
from fer_lib.weights import load_weights, write_card


def test_open_network_answers():
    session = open_network(load_weights("mtcnn_pnet"))
    assert [value.name for value in session.get_outputs()] == ["offsets", "confidence"]


def test_open_network_that_is_none(tmp_path):
    (tmp_path / "odd.onnx").write_bytes(b"this is no network")
    write_card(tmp_path / "odd.json", {"name": "odd"})
    with pytest.raises(ValueError, match="`odd` must be a network"):
        open_network(load_weights("odd", tmp_path))


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/hostname"])
def test_open_network_that_reads_a_file_elsewhere(tmp_path, place):
    """ONNX lets numbers lie in another file; a malicious network could name any."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    numbers = onnx.TensorProto(name="b", data_type=onnx.TensorProto.FLOAT, dims=[4])
    numbers.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", place), ("length", "16")):
        numbers.external_data.add(key=key, value=value)
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "odd", value[:1], value[1:], [numbers])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "odd.onnx").write_bytes(model.SerializeToString())
    write_card(folder / "odd.json", {"name": "odd"})
    with pytest.raises(ValueError, match="`odd` must be a network"):
        open_network(load_weights("odd", folder))
