"""Test batch-norm folding: equal outputs after folding, loading an ONNX file and estimating statistics."""

import copy
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fer_lib.training.export.onnx_export import export_onnx
from fer_lib.training.model import build_model
from fer_lib.training.networks.batch_norm_folding import estimate_batch_norm, fold_batch_norm, load_onnx_weights
from fer_lib.weights import weights_folder

SHIPPED = weights_folder() / "emotion.onnx"
FACES = torch.rand(16, 1, 96, 96, generator=torch.Generator().manual_seed(1)) * 4 - 2


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """The shipped network, with estimated batch-norm statistics."""
    network = build_model(1, dropout_rate=0.0, initial_weights=str(SHIPPED), stochastic_depth=0.0)
    estimate_batch_norm(network, FACES)
    return network


@pytest.fixture(scope="module", params=["float16", "float32"])
def exported(request, network, tmp_path_factory):
    """An exported network with weights in float16 or float32."""
    if request.param == "float16":
        return SHIPPED
    path = tmp_path_factory.mktemp("exported") / "emotion.onnx"
    export_onnx(network, path, FACES[:2], "faces", ["logits"], tolerance=1e-3)
    return path


@torch.no_grad()
def test_fold_batch_norm_removes_all_and_keeps_outputs(network):
    folded = fold_batch_norm(copy.deepcopy(network).eval())
    assert not [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    torch.testing.assert_close(folded(FACES), network.eval()(FACES), atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_build_model_from_an_exported_network_equals_its_file(exported):
    (expected,) = onnxruntime.InferenceSession(exported).run(None, {"faces": FACES.numpy()})
    assert np.ptp(expected, axis=0).min() > 0.1  # outputs depend on the input
    loaded = build_model(1, initial_weights=str(exported)).eval()
    np.testing.assert_allclose(loaded(FACES).numpy(), expected, atol=1e-3)


@torch.no_grad()
def test_estimate_batch_norm_covers_sync_batch_norm(exported):
    loaded = nn.SyncBatchNorm.convert_sync_batchnorm(build_model(1, initial_weights=str(exported)))
    estimate_batch_norm(loaded, FACES)
    means = [norm.running_mean for norm in loaded.modules() if isinstance(norm, nn.SyncBatchNorm)]
    assert means
    assert all(mean.abs().max() > 0 for mean in means)


@torch.no_grad()
def test_estimate_batch_norm_keeps_outputs_and_aligns_training_mode(exported):
    loaded = build_model(1, dropout_rate=0.0, initial_weights=str(exported), stochastic_depth=0.0).eval()
    before = loaded(FACES)
    far = float((copy.deepcopy(loaded).train()(FACES) - before).abs().mean())
    estimate_batch_norm(loaded, FACES)
    torch.testing.assert_close(loaded.eval()(FACES), before, atol=1e-3, rtol=1e-3)
    near = float((loaded.train()(FACES) - before).abs().mean())
    assert near < 0.1 * far  # outputs in training mode are close to those in evaluation mode


def test_load_onnx_weights_refuses_other_files(tmp_path, network):
    with pytest.raises(FileNotFoundError, match=r"`INITIAL_WEIGHTS` must be an existing file, but got .*nowhere\.onnx"):
        load_onnx_weights(network, tmp_path / "nowhere.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not an ONNX file" * 100)
    with pytest.raises(ValueError, match=r"must be an exported network .*broken\.onnx is not"):
        load_onnx_weights(network, broken)
    other = tmp_path / "other.onnx"
    export_onnx(nn.Sequential(nn.Flatten(), nn.Linear(64, 7)), other, torch.rand(2, 1, 8, 8), "faces", ["logits"])
    with pytest.raises(ValueError, match=r"`TEACHERS` must be .*other\.onnx is not: it has no 'features"):
        load_onnx_weights(network, other, "TEACHERS")


def test_load_onnx_weights_refuses_another_shape(tmp_path, exported):
    cut = onnx.load(exported)
    for tensor in cut.graph.initializer:
        if tensor.name.startswith("classifier.0.bias"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros(3, np.float32), tensor.name))
    path = shutil.copy(exported, tmp_path / "cut.onnx")
    onnx.save(cut, path)
    with pytest.raises(ValueError, match=r"cut\.onnx is not: .*classifier\.0\.bias"):
        build_model(1, initial_weights=str(path))
