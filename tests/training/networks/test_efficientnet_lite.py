"""Test EfficientNet-Lite2: published layers, training, export, use as a teacher."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torchvision.ops.misc import SqueezeExcitation

from fer_lib.dataset.synthetic import write_sample
from fer_lib.training.learning import loop
from fer_lib.training.learning.checkpoint import load_checkpoint
from fer_lib.training.learning.distillation import load_teachers
from fer_lib.training.model import build_model
from fer_lib.training.networks.efficientnet_lite import build_lite2
from tests.training.small_settings import make_settings


def test_build_lite2_output_and_layers():
    network = build_lite2().eval()
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 7)
    widths = [stage[0].out_channels for stage in network.features[1:-1]]
    assert widths == [16, 24, 48, 88, 120, 208, 352]
    assert [len(stage) for stage in network.features[1:-1]] == [1, 3, 3, 4, 4, 5, 1]
    assert not any(isinstance(module, SqueezeExcitation | nn.SiLU) for module in network.modules())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with images and the run of a Lite2 trained for one epoch from its ImageNet weights."""
    folder = tmp_path_factory.mktemp("lite2")
    write_sample(folder / "images", size=32)
    return folder, loop.train(
        make_settings(folder, architecture="lite2", initial_weights="lite2", image_size=48, run_name="lite2")
    )


def test_train_lite2_export_equals_torch(trained):
    _, run = trained
    network = build_model(1, architecture="lite2")
    load_checkpoint(run.best, network)
    pixels = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(run.network, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = network.eval()(pixels).numpy()
    np.testing.assert_allclose(session.run(None, {"faces": pixels.numpy()})[0], expected, atol=0.02)


def test_load_teachers_of_a_lite2(trained):
    folder, run = trained
    teachers = load_teachers(make_settings(folder, teachers=str(run.folder)), torch.device("cpu"))
    assert teachers is not None
    assert teachers.teachers[0].size == 48
    assert torch.allclose(teachers.predict(torch.zeros(2, 1, 32, 32)).sum(dim=1), torch.ones(2))
