"""Test that steps replayed from a CUDA graph equal eager steps."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import learner as learner_module
from fer_lib.training.learning import steps
from fer_lib.training.learning.batches import Batches
from fer_lib.training.learning.distillation import Teacher, Teachers
from fer_lib.training.learning.loop import crop_spec
from fer_lib.training.learning.steps import CapturedStep, CudaGraphStep, Step
from tests.training.small_settings import make_settings

pytestmark = pytest.mark.usefixtures("narrow_resnet")

RATES = (0.1, 0.1, 0.2, 0.2, 0.05, 0.05, 0.0, 0.1)
ALIKE = (32,) * len(RATES)


class FakeGraph:
    """Fake CUDA graph on the CPU: a replay reads from the static tensors of the capture and writes to them."""

    def __init__(self, run_step, images, targets, loss):
        self.run_step, self.images, self.targets, self.loss = run_step, images, targets, loss
        self.replays = 0

    def replay(self):
        self.replays += 1
        self.loss.copy_(self.run_step(self.images, self.targets))


class FakeGraphStep(CudaGraphStep):
    """A CUDA graph step with fake graphs."""

    def _warm_up(self, run_step, images, targets):
        return run_step(images, targets)

    def _capture(self, run_step, images, targets):
        loss = torch.zeros(())
        return CapturedStep(FakeGraph(run_step, images, targets, loss), images, targets, loss)


class CountingTeacher(nn.Module):
    """A teacher that predicts the first label and counts its calls."""

    calls = 0

    def forward(self, images):
        self.calls += 1
        return torch.tensor([[9.0, 0, 0, 0, 0, 0, 0]], device=images.device).expand(len(images), 7)


def make_learner(**values):
    defaults = {
        "architecture": "resnet18-wide",
        "initial_weights": "none",
        "optimizer": "sgd",
        "clip_norm": 1.0,
        "ema_decay": 0.9,
    }
    settings = make_settings(Path("no-images"), **{**defaults, **values})
    return learner_module.build_learner(settings, crop_spec(settings))


def draw_batches(device="cpu", sizes=ALIKE):
    generator = torch.Generator().manual_seed(1)
    for size in sizes:
        images = torch.randn(8, 1, size, size, generator=generator)
        yield images.to(device), torch.eye(7)[torch.randint(7, (8,), generator=generator)].to(device)


def train_steps(learner, step, batches):
    losses = []
    learner.model.train()
    for rate, (images, targets) in zip(RATES, batches, strict=True):
        torch.manual_seed(len(losses))  # dropout
        learner.set_learning_rate(rate)
        losses.append(float(step(images, targets)))
    return losses, learner.network.state_dict()


@pytest.fixture(autouse=True)
def _restore_cudnn_benchmark():
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before


def step_as(kind, learner):
    """Return the learner's step as an instance of another class."""
    return kind(**{one.name: getattr(learner.step, one.name) for one in fields(Step)})


@pytest.mark.parametrize("sizes", [ALIKE, (32, 32, 32, 32, 32, 48, 48, 48)], ids=["one size", "then a larger one"])
def test_cuda_graph_step_equals_eager_step(sizes):
    eager, replayed = make_learner(), make_learner()
    expected, weights = train_steps(eager, eager.step, draw_batches(sizes=sizes))
    losses, replayed_weights = train_steps(
        replayed, step := step_as(FakeGraphStep, replayed), draw_batches(sizes=sizes)
    )
    assert losses == expected
    assert all(torch.equal(replayed_weights[name], weights[name]) for name in weights)
    assert len(set(losses)) == len(losses)
    assert [one.graph.replays for one in step._captured.values()] == [sizes.count(32) - steps.WARM_UP_STEPS]


def test_cuda_graph_step_includes_the_teachers():
    learner, teacher = make_learner(), CountingTeacher()
    step = replace(step_as(FakeGraphStep, learner), teachers=Teachers([Teacher(teacher, 32)], share=1.0))
    for images, targets in draw_batches():
        step(images, targets)
    assert teacher.calls == len(RATES)


def test_step_adds_logit_adjustment_in_the_loss():
    learner = make_learner(clip_norm=0.0, dropout_rate=0.0)
    prior = torch.tensor([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    (images, targets), *_ = draw_batches()
    with torch.no_grad():
        logits = learner.model.train()(images)
    expected = torch.nn.functional.cross_entropy(logits + 0.5 * prior.log(), targets)
    step = replace(step_as(Step, learner), adjustment=0.5 * prior.log())
    assert float(step(images, targets)) == pytest.approx(float(expected), rel=1e-5)


def test_set_learning_rate_changes_tensors_in_place():
    learner = make_learner()
    (group,) = learner.optimizer.param_groups
    rate = group["lr"] = torch.tensor(0.5)
    learner.set_learning_rate(0.25)
    assert group["lr"] is rate
    assert float(rate) == 0.25


@pytest.mark.card
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_cuda_graph_step_on_a_gpu_equals_eager_step(optimizer):
    eager, graphed = (make_learner(device="cuda", optimizer=optimizer, dropout_rate=0.0) for _ in range(2))
    assert isinstance(graphed.step, CudaGraphStep)
    expected, weights = train_steps(eager, step_as(Step, eager), draw_batches("cuda"))
    losses, graphed_weights = train_steps(graphed, graphed.step, draw_batches("cuda"))
    assert losses == pytest.approx(expected, rel=1e-2)
    assert all(torch.allclose(graphed_weights[name].float(), weights[name].float(), atol=1e-2) for name in weights)


@pytest.mark.card
def test_batches_are_on_the_gpu():
    settings = TrainingSettings.load(image_size=32, batch_size=4, mixup=0.2, augmentation="strong")
    images, targets = torch.zeros(8, 32, 32, 1, dtype=torch.uint8).numpy(), torch.eye(7)[[0, 1, 2, 3] * 2].numpy()
    batches = Batches(images, targets, crop_spec(settings), settings, torch.device("cuda"))
    devices = [(x.device.type, y.device.type) for x, y in batches.draw_epoch(0)]
    assert devices == [("cuda", "cuda")] * 2
