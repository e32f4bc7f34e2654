"""Test knowledge distillation: blended targets, label prior, loading of teachers, invalid teachers."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import nn

from fer_lib.crops import normalize_crops
from fer_lib.dataset.synthetic import write_sample
from fer_lib.evaluate.predictions import open_recognizer
from fer_lib.metrics import softmax
from fer_lib.training.learning import loop
from fer_lib.training.learning.distillation import Teacher, Teachers, adjust, load_teachers
from tests.training.small_settings import make_settings

CPU = torch.device("cpu")


class ConstantTeacher(nn.Module):
    """Predicts one label with certainty; stores the shape of its last input."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def forward(self, images):
        self.shape = tuple(images.shape)
        logits = torch.zeros(len(images), 7)
        logits[:, self.label] = 100.0
        return logits


def test_blend_weights_the_mean_prediction_by_share():
    first, second = ConstantTeacher(0), ConstantTeacher(1)
    teachers = Teachers([Teacher(first, 8), Teacher(second, 16)], share=0.5)
    targets = torch.eye(7)[[2, 2, 2]]
    blended = teachers.blend(torch.rand(3, 1, 16, 16), targets)
    assert torch.allclose(blended, torch.tensor([[0.25, 0.25, 0.5, 0, 0, 0, 0]]).expand(3, 7))
    assert (first.shape, second.shape) == ((3, 1, 8, 8), (3, 1, 16, 16))
    assert torch.equal(targets, torch.eye(7)[[2, 2, 2]])


def test_adjust_converts_uniform_prior_to_label_prior():
    prior = torch.tensor([0.3, 0.02, 0.18, 0.2, 0.1, 0.1, 0.1])
    balanced = torch.full((2, 7), 1 / 7)
    assert torch.allclose(adjust(balanced, prior.log()), prior.expand(2, 7), atol=1e-6)
    assert adjust(balanced, None) is balanced
    blended = Teachers([Teacher(ConstantTeacher(1), 8)], 1.0).blend(
        torch.rand(2, 1, 8, 8), torch.eye(7)[:2], prior.log()
    )
    assert torch.allclose(blended, torch.eye(7)[[1, 1]], atol=1e-4)  # still certain


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, narrow_resnet):
    """A folder with images and the run of a small teacher, which is not exported."""
    folder = tmp_path_factory.mktemp("teacher")
    write_sample(folder / "images", size=32)
    with patch("fer_lib.training.learning.loop.finish_run"):
        run = loop.train(
            make_settings(folder, architecture="resnet18-wide", initial_weights="none", run_name="teacher")
        )
    return folder, run


def test_train_teacher_share_one_ignores_the_labels(teacher, monkeypatch):
    folder, run = teacher
    values = {"teachers": f" {run.folder} ,", "teacher_share": 1.0, "run_name": "student", "resume": "never"}
    settings = make_settings(folder, **values, sampler="none", initial_weights="none", image_size=40)
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    with_labels = loop.train(settings).read_metrics()[0]["loss"]
    monkeypatch.setattr(loop, "make_targets", lambda settings, split: loop.one_hot((split.targets + 1) % 7))
    with_wrong_labels = loop.train(settings).read_metrics()[0]["loss"]
    assert with_labels == with_wrong_labels


def test_load_teachers_exported_network_equals_inference(tmp_path):
    """The shipped network as a teacher predicts what the recognizer predicts."""
    recognizer = open_recognizer()
    settings = make_settings(tmp_path, teachers=str(recognizer.weights.path), teacher_share=1.0, image_size=96)
    teachers = load_teachers(settings, CPU)
    crops = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 1)).astype(np.uint8)
    faces = torch.from_numpy(normalize_crops(crops, recognizer.spec))
    blended = teachers.blend(faces, torch.eye(7)[:4]).numpy()
    np.testing.assert_allclose(blended, softmax(recognizer.logits(crops), 1.0), atol=1e-3)


def test_load_teachers_none(tmp_path):
    assert load_teachers(make_settings(tmp_path), CPU) is None


def test_load_teachers_run_with_a_changed_retired_setting(teacher):
    folder, run = teacher
    record = run.record.read_text()
    run.record.write_text(record.replace('"settings": {', '"settings": {"early_stopping": 5,'))
    teachers = load_teachers(make_settings(folder, teachers=str(run.folder)), CPU)
    run.record.write_text(record)
    assert [one.size for one in teachers.teachers] == [32]


def test_load_teachers_not_a_run(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"`TEACHERS` must be runs with a saved network or exported networks, but got"
    ):
        load_teachers(make_settings(tmp_path, teachers=str(tmp_path)), CPU)


def test_load_teachers_refuses_other_colour(teacher):
    folder, run = teacher
    with pytest.raises(ValueError, match=r"`TEACHERS` must have the input colour `COLOR=rgb`, but .* has grey"):
        load_teachers(make_settings(folder, teachers=str(run.folder), color="rgb"), CPU)
