"""Opening of networks; invalid files with a correct hash are refused."""

import onnx
import pytest
from onnx import helper

from fer_lib.vision.mtcnn.networks import open_network
from fer_lib.weights import load_weights, write_card


def test_open_network_valid():
    session = open_network(load_weights("mtcnn_pnet"))
    assert [value.name for value in session.get_outputs()] == ["offsets", "confidence"]


def test_open_network_invalid_file(tmp_path):
    (tmp_path / "invalid.onnx").write_bytes(b"not a network")
    write_card(tmp_path / "invalid.json", {"name": "invalid"})
    with pytest.raises(ValueError, match="`invalid` must be an ONNX network"):
        open_network(load_weights("invalid", tmp_path))


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname"])
def test_open_network_external_data(tmp_path, location):
    """ONNX can refer to tensors in other files; a malicious network could refer to any file."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    tensor = onnx.TensorProto(name="b", data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "invalid", value[:1], value[1:], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "invalid.onnx").write_bytes(model.SerializeToString())
    write_card(folder / "invalid.json", {"name": "invalid"})
    with pytest.raises(ValueError, match="`invalid` must be an ONNX network"):
        open_network(load_weights("invalid", folder))
