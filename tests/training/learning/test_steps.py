"""A step that is played back from a recording learns what a plain step does."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import learner as learning
from fer_lib.training.learning import steps
from fer_lib.training.learning.batches import Batches
from fer_lib.training.learning.distillation import Teacher, Teachers
from fer_lib.training.learning.loop import crop_spec
from fer_lib.training.learning.steps import CudaGraphStep, Recording, Step
from tests.training.small_settings import make_settings

pytestmark = pytest.mark.usefixtures("narrow_resnet")

RATES = (0.1, 0.1, 0.2, 0.2, 0.05, 0.05, 0.0, 0.1)
ALIKE = (32,) * len(RATES)


class Tape:
    """Plays a step back on the processor, from the places it was recorded with, as a CUDA graph does on a card."""

    def __init__(self, take, images, targets, loss):
        self.take, self.images, self.targets, self.loss = take, images, targets, loss
        self.played = 0

    def replay(self):
        self.played += 1
        self.loss.copy_(self.take(self.images, self.targets))


class TapedStep(CudaGraphStep):
    """A recorded step whose recordings are tapes."""

    def _rehearse(self, take, images, targets):
        return take(images, targets)

    def _record(self, take, images, targets):
        loss = torch.zeros(())
        return Recording(Tape(take, images, targets, loss), images, targets, loss)


class Certain(nn.Module):
    """A teacher that is sure of the first label, and counts how often it is asked."""

    asked = 0

    def forward(self, images):
        self.asked += 1
        return torch.tensor([[9.0, 0, 0, 0, 0, 0, 0]], device=images.device).expand(len(images), 7)


def build_learner(**values):
    how = {
        "architecture": "resnet18-wide",
        "initial_weights": "none",
        "optimizer": "sgd",
        "clip_norm": 1.0,
        "ema_decay": 0.9,
    }
    settings = make_settings(Path("no-pictures"), **{**how, **values})
    return learning.build_learner(settings, crop_spec(settings))


def draw_batches(device="cpu", sizes=ALIKE):
    generator = torch.Generator().manual_seed(1)
    for size in sizes:
        images = torch.randn(8, 1, size, size, generator=generator)
        yield images.to(device), torch.eye(7)[torch.randint(7, (8,), generator=generator)].to(device)


def learn(learner, step, batches):
    losses = []
    learner.model.train()
    for rate, (images, targets) in zip(RATES, batches, strict=True):
        torch.manual_seed(len(losses))  # dropout
        learner.set_learning_rate(rate)
        losses.append(float(step(images, targets)))
    return losses, learner.network.state_dict()


@pytest.fixture(autouse=True)
def _restored():
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before


def step_as(kind, learner):
    """Return the learner's step as one of another kind."""
    return kind(**{one.name: getattr(learner.step, one.name) for one in fields(Step)})


@pytest.mark.parametrize("sizes", [ALIKE, (32, 32, 32, 32, 32, 48, 48, 48)], ids=["one size", "then a larger one"])
def test_recorded_steps_learn_what_plain_ones_do(sizes):
    plain, taped = build_learner(), build_learner()
    expected, known = learn(plain, plain.step, draw_batches(sizes=sizes))
    losses, learned = learn(taped, step := step_as(TapedStep, taped), draw_batches(sizes=sizes))
    assert losses == expected
    assert all(torch.equal(learned[name], known[name]) for name in known)
    assert len(set(losses)) == len(losses)
    assert [one.graph.played for one in step._recordings.values()] == [sizes.count(32) - steps.WARM_UP]


def test_recorded_steps_include_the_teachers():
    learner, teacher = build_learner(), Certain()
    step = replace(step_as(TapedStep, learner), teachers=Teachers([Teacher(teacher, 32)], share=1.0))
    for images, targets in draw_batches():
        step(images, targets)
    assert teacher.asked == len(RATES)


def test_step_logit_adjustment_is_that_of_the_loss():
    learner = build_learner(clip_norm=0.0, dropout_rate=0.0)
    shares = torch.tensor([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    (images, targets), *_ = draw_batches()
    with torch.no_grad():
        logits = learner.model.train()(images)
    expected = torch.nn.functional.cross_entropy(logits + 0.5 * shares.log(), targets)
    step = replace(step_as(Step, learner), adjustment=0.5 * shares.log())
    assert float(step(images, targets)) == pytest.approx(float(expected), rel=1e-5)


def test_set_learning_rate_where_it_lies_on_a_card_changes_it_there():
    learner = build_learner()
    (group,) = learner.optimizer.param_groups
    rate = group["lr"] = torch.tensor(0.5)
    learner.set_learning_rate(0.25)
    assert group["lr"] is rate
    assert float(rate) == 0.25


@pytest.mark.card
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_recorded_steps_on_a_card_learn_what_plain_ones_do(optimizer):
    plain, recorded = (build_learner(device="cuda", optimizer=optimizer, dropout_rate=0.0) for _ in range(2))
    assert isinstance(recorded.step, CudaGraphStep)
    expected, known = learn(plain, step_as(Step, plain), draw_batches("cuda"))
    losses, learned = learn(recorded, recorded.step, draw_batches("cuda"))
    assert losses == pytest.approx(expected, rel=1e-2)
    assert all(torch.allclose(learned[name].float(), known[name].float(), atol=1e-2) for name in known)


@pytest.mark.card
def test_batches_on_a_card_are_drawn_there():
    settings = TrainingSettings.load(image_size=32, batch_size=4, mixup=0.2, augmentation="strong")
    images, targets = torch.zeros(8, 32, 32, 1, dtype=torch.uint8).numpy(), torch.eye(7)[[0, 1, 2, 3] * 2].numpy()
    batches = Batches(images, targets, crop_spec(settings), settings, torch.device("cuda"))
    places = [(drawn.device.type, wanted.device.type) for drawn, wanted in batches.draw_epoch(0)]
    assert places == [("cuda", "cuda")] * 2
