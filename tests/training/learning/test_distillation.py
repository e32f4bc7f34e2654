"""Teachers move the targets towards what they see, and a wrong list of them is refused before anything is learned."""

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


class Sure(nn.Module):
    """Always sure of one label; remembers the pictures it was shown."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def forward(self, images):
        self.shape = tuple(images.shape)
        logits = torch.zeros(len(images), 7)
        logits[:, self.label] = 100.0
        return logits


def test_blend_takes_the_teachers_mean_by_their_share():
    first, second = Sure(0), Sure(1)
    teachers = Teachers([Teacher(first, 8), Teacher(second, 16)], share=0.5)
    targets = torch.eye(7)[[2, 2, 2]]
    blended = teachers.blend(torch.rand(3, 1, 16, 16), targets)
    assert torch.allclose(blended, torch.tensor([[0.25, 0.25, 0.5, 0, 0, 0, 0]]).expand(3, 7))
    assert (first.shape, second.shape) == ((3, 1, 8, 8), (3, 1, 16, 16))
    assert torch.equal(targets, torch.eye(7)[[2, 2, 2]])


def test_adjust_turns_balanced_predictions_into_the_proportions_of_the_labels():
    shares = torch.tensor([0.3, 0.02, 0.18, 0.2, 0.1, 0.1, 0.1])
    balanced = torch.full((2, 7), 1 / 7)
    assert torch.allclose(adjust(balanced, shares.log()), shares.expand(2, 7), atol=1e-6)
    assert adjust(balanced, None) is balanced
    blended = Teachers([Teacher(Sure(1), 8)], 1.0).blend(torch.rand(2, 1, 8, 8), torch.eye(7)[:2], shares.log())
    assert torch.allclose(blended, torch.eye(7)[[1, 1]], atol=1e-4)  # as certain as before


@pytest.fixture(scope="module")
def school(tmp_path_factory, narrow_resnet):
    """A folder with pictures and the run of a small teacher, whose network need not be exported."""
    folder = tmp_path_factory.mktemp("school")
    write_sample(folder / "images", size=32)
    with patch("fer_lib.training.learning.loop.finish_run"):
        run = loop.train(
            make_settings(folder, architecture="resnet18-wide", initial_weights="none", run_name="teacher")
        )
    return folder, run


def test_train_with_a_teacher_follows_its_answers(school, monkeypatch):
    folder, run = school
    taught = {"teachers": f" {run.folder} ,", "teacher_share": 1.0, "run_name": "taught", "resume": "never"}
    settings = make_settings(folder, **taught, sampler="none", initial_weights="none", image_size=40)
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    right = loop.train(settings).read_metrics()[0]["loss"]
    monkeypatch.setattr(loop, "make_targets", lambda settings, split: loop.one_hot((split.targets + 1) % 7))
    wrong = loop.train(settings).read_metrics()[0]["loss"]
    assert right == wrong  # the labels have no say any more


def test_load_teachers_an_exported_network_answers_as_in_use(tmp_path):
    """The network in use can teach: its file is its teacher's."""
    recognizer = open_recognizer()
    shown = make_settings(tmp_path, teachers=str(recognizer.weights.path), teacher_share=1.0, image_size=96)
    teachers = load_teachers(shown, CPU)
    crops = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 1)).astype(np.uint8)
    faces = torch.from_numpy(normalize_crops(crops, recognizer.spec))
    blended = teachers.blend(faces, torch.eye(7)[:4]).numpy()
    np.testing.assert_allclose(blended, softmax(recognizer.logits(crops), 1.0), atol=1e-3)


def test_load_teachers_none_named_is_none(tmp_path):
    assert load_teachers(make_settings(tmp_path), CPU) is None


def test_load_teachers_run_with_a_changed_retired_setting(school):
    folder, run = school
    record = run.record.read_text()
    run.record.write_text(record.replace('"settings": {', '"settings": {"early_stopping": 5,'))
    teachers = load_teachers(make_settings(folder, teachers=str(run.folder)), CPU)
    run.record.write_text(record)
    assert [teacher.size for teacher in teachers.teachers] == [32]


def test_load_teachers_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`TEACHERS` must be runs or exported networks, but none that kept"):
        load_teachers(make_settings(tmp_path, teachers=str(tmp_path)), CPU)


def test_load_teachers_other_colours_are_refused(school):
    folder, run = school
    with pytest.raises(ValueError, match=r"`TEACHERS` must see in rgb .* sees in grey"):
        load_teachers(make_settings(folder, teachers=str(run.folder), color="rgb"), CPU)
