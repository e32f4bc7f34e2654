"""Test stored soft targets: equal to live teachers, checked against seed, augmentation and images."""

from unittest.mock import patch

import numpy as np
import pytest
import torch

from fer_lib.dataset.synthetic import write_sample
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning import loop
from fer_lib.training.learning.distillation import Teachers
from fer_lib.training.learning.soft_targets import SoftTargets, check_views, read_soft_targets, write_soft_targets
from fer_lib.training.runs.run import Run
from tests.training.small_settings import make_settings

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def student_run(tmp_path_factory, narrow_resnet):
    """A folder with images and a teacher's run, a student's run with stored predictions, their counts, its settings."""
    folder = tmp_path_factory.mktemp("student")
    write_sample(folder / "images", size=32)
    with patch("fer_lib.training.learning.loop.finish_run"):
        small = {"architecture": "resnet18-wide", "initial_weights": "none"}
        teacher = loop.train(make_settings(folder, **small, run_name="teacher"))
        student = {**small, "teacher_views": 2, "teacher_share": 0.5, "num_epochs": 3, "run_name": "student"}
        predicted = []
        predict = Teachers.predict
        with patch.object(Teachers, "predict", lambda self, x: (predicted.append(len(x)), predict(self, x))[1]):
            run = loop.train(make_settings(folder, **student, teachers=str(teacher.folder)))
    return folder, run, predicted, student


def test_train_teachers_predict_each_view_once(student_run):
    _, run, predicted, _ = student_run
    stored = np.load(run.soft_targets)
    assert stored["probabilities"].shape[::2] == (2, 7)
    assert sum(predicted) == 2 * stored["probabilities"].shape[1]
    np.testing.assert_allclose(stored["probabilities"].astype(float).sum(axis=2), 1, atol=5e-3)


def test_train_with_stored_predictions_equals_live_teachers(student_run):
    folder, run, _, student = student_run
    with patch("fer_lib.training.learning.loop.finish_run"):
        again = loop.train(make_settings(folder, **{**student, "run_name": "again"}, teachers=str(run.soft_targets)))
    losses, expected = ([line["loss"] for line in one.read_metrics()] for one in (again, run))
    assert losses == expected


def test_train_fewer_images_have_the_same_views(student_run, monkeypatch):
    """Without one of the images, the others keep their views and their soft targets."""
    folder, run, _, student = student_run
    recorded = []
    draw = loop.Batches.draw_epoch

    def spy(batches, *args):
        views = torch.cat(list(batches.draw_view(0)))
        recorded.append((views, batches.soft_targets[0, batches.soft_rows]))
        return draw(batches, *args)

    monkeypatch.setattr(loop.Batches, "draw_epoch", spy)
    monkeypatch.setattr(loop, "finish_run", lambda *_: None)
    values = {**student, "num_epochs": 1, "teachers": str(run.soft_targets), "resume": "never"}
    loop.train(make_settings(folder, **values))
    prepare = loop.load_training_split
    monkeypatch.setattr(
        loop, "load_training_split", lambda *args: (split := prepare(*args)).select(np.arange(len(split)) != 3)
    )
    loop.train(make_settings(folder, **values))
    for whole, part in zip(*recorded, strict=True):
        kept = [row for row in range(len(whole)) if row != 3]
        assert torch.allclose(whole[kept], part, atol=1e-6)


def make_soft(**changed) -> SoftTargets:
    values = {"probabilities": np.full((2, 3, 7), 1 / 7, np.float16), "names": np.array(NAMES), "seed": 4}
    return SoftTargets(**{**values, "augmentation": "light", **changed})


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (("a", "b", "d", "e"), {}, "must contain all 4 training images, but 2 are missing"),
        (NAMES, {"seed": 5}, r"`SEED` must be 4"),
        (NAMES, {"augmentation": "strong"}, r"`AUGMENTATION` must be light"),
    ],
)
def test_read_soft_targets_of_another_training(tmp_path, names, settings, message):
    write_soft_targets(path := tmp_path / "soft.npz", make_soft())
    with pytest.raises(ValueError, match=message):
        check_views(read_soft_targets(path, names), TrainingSettings.load(**{"seed": 4, **settings}), path)


def test_read_soft_targets_round_trip(tmp_path):
    write_soft_targets(path := tmp_path / "soft.npz", make_soft())
    read = read_soft_targets(path, NAMES)
    np.testing.assert_array_equal(read.probabilities, make_soft().probabilities)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"text"])
def test_read_soft_targets_damaged_file(tmp_path, content):
    (tmp_path / "soft.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"`TEACHERS` .* is damaged"):
        read_soft_targets(tmp_path / "soft.npz", NAMES)


def test_read_soft_targets_wrong_shape(tmp_path):
    write_soft_targets(path := tmp_path / "soft.npz", make_soft(probabilities=np.zeros((2, 3, 8), np.float16)))
    with pytest.raises(ValueError, match=r"\(views, images, 7\)"):
        read_soft_targets(path, NAMES)


def test_read_soft_targets_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="`TEACHERS`"):
        read_soft_targets(tmp_path / "soft.npz", NAMES)


def test_train_averages_stored_predictions_with_a_teacher(student_run):
    """With the same network twice, the average equals the stored predictions; with uniform ones, it is their mean."""
    folder, run, _, student = student_run
    teacher = str(next((folder / "runs").glob("*-teacher")))
    both = {**student, "run_name": "both", "teachers": f"{teacher},{run.soft_targets}"}
    stored = np.load(run.soft_targets)
    with patch("fer_lib.training.learning.loop.finish_run"):
        again = np.load(loop.train(make_settings(folder, **both)).soft_targets)
        np.testing.assert_allclose(again["probabilities"], stored["probabilities"], atol=2e-3)
        uniform_file = folder / "uniform.npz"
        uniform = np.full_like(stored["probabilities"], 1 / 7)
        write_soft_targets(uniform_file, SoftTargets(uniform, stored["names"], 0, "light"))
        both |= {"teachers": f"{uniform_file},{teacher}", "run_name": "uniform"}
        mean = np.load(loop.train(make_settings(folder, **both)).soft_targets)["probabilities"]
    np.testing.assert_allclose(mean, (stored["probabilities"].astype(float) + 1 / 7) / 2, atol=2e-3)


@pytest.mark.parametrize("views", [0, 3])
def test_train_stored_predictions_with_a_teacher_limit_the_views(student_run, views):
    folder, run, _, student = student_run
    both = {**student, "run_name": "refused", "teacher_views": views}
    teacher = next((folder / "runs").glob("*-teacher"))
    with pytest.raises(ValueError, match=r"`TEACHER_VIEWS` must be at"):
        loop.train(make_settings(folder, **both, teachers=f"{teacher},{run.soft_targets}"))


def test_run_soft_targets_path(tmp_path):
    assert Run(tmp_path).soft_targets.parent == tmp_path
