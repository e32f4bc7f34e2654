"""Test bfloat16 mixed precision and depthwise convolutions in float32."""

import pytest
import torch
from torch import nn

from fer_lib.dataset.synthetic import write_sample
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import loop
from fer_lib.training.learning.precision import Float32Depthwise, use_float32_depthwise
from fer_lib.training.model import build_model


def test_use_float32_depthwise_under_autocast():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 4, 1))
    features = torch.rand(2, 8, 9, 9)
    exact = plain[0](features)
    with torch.autocast("cpu", torch.bfloat16):
        assert plain[0](features).dtype == torch.bfloat16
        float32 = use_float32_depthwise(plain)[0](features)
        assert plain(features).dtype == torch.bfloat16  # other convolutions stay in bfloat16
    assert torch.equal(float32, exact)


def test_use_float32_depthwise_keeps_parameters():
    network = build_model(1, initial_weights="none")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = use_float32_depthwise(network).state_dict()
    assert sum(isinstance(module, Float32Depthwise) for module in network.modules()) == 16
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "images"
    write_sample(folder, size=32)
    return folder


@pytest.mark.parametrize("architecture", ["b0", "resnet18-wide"])
@pytest.mark.usefixtures("narrow_resnet")
def test_train_bfloat16_loss_is_close_to_float32(drawn, tmp_path, monkeypatch, architecture):
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    dtypes = []
    monkeypatch.setattr(nn.BatchNorm2d, "forward", record_dtypes(nn.BatchNorm2d.forward, dtypes))
    losses = [
        loop.train(
            TrainingSettings.load(
                data_dir=drawn,
                runs_dir=tmp_path,
                precision=precision,
                architecture=architecture,
                initial_weights="none",
                image_size=32,
                batch_size=35,
                num_epochs=1,
                max_images=35,
                device="cpu",
                dropout_rate=0.0,
                stochastic_depth=0.0,
                augmentation="none",
                resume="never",
            )
        ).read_metrics()[0]["loss"]
        for precision in ("float32", "bfloat16")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]
    assert {torch.float32, torch.bfloat16} == set(dtypes)


def record_dtypes(forward, dtypes):
    """Wrap `forward` to record the data type of its input in training mode."""

    def recorded(self, features):
        if self.training:
            dtypes.append(features.dtype)
        return forward(self, features)

    return recorded
