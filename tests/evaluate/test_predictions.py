"""What a network says is asked in batches, and belongs to the right images."""

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate import predictions as room
from fer_lib.evaluate.predictions import Answers, answer_images, answer_split, open_recognizer
from fer_lib.metrics import softmax
from fer_lib.settings import EvaluationSettings


def make_answers(logits, targets) -> Answers:
    n = len(targets)
    split = Split("test", np.zeros((n, 4, 4, 1), np.uint8), np.array(targets), tuple(f"face-{i}" for i in range(n)))
    return Answers(split, np.array(logits, np.float32), 2.0)


def test_answer_images_none(recognizer):
    assert answer_images(recognizer, np.zeros((0, 24, 24, 1), np.uint8)).shape == (0, 7)


def test_answer_images_in_batches_as_one_by_one(recognizer, answers, monkeypatch):
    monkeypatch.setattr(room, "BATCH", 8)
    images = answers.split.images[:19]
    alone = np.concatenate([recognizer.logits(image[None]) for image in images])
    np.testing.assert_allclose(answer_images(recognizer, images), alone, atol=1e-5)


def test_answer_images_flip_is_the_mean_with_the_mirror_image(recognizer, answers):
    images = answers.split.images[:5]
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    expected = (recognizer.logits(images) + recognizer.logits(mirrored)) / 2
    found = answer_images(recognizer, images, flip=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found, answer_images(recognizer, mirrored, flip=True), atol=1e-5)
    assert np.abs(found - recognizer.logits(images)).max() > 0.01


def test_answer_split_reads_with_the_cards_temperature(answers):
    assert (len(answers), answers.split.name, answers.temperature) == (35, "test", 0.73)
    np.testing.assert_allclose(answers.probabilities, softmax(answers.logits, 0.73))
    assert answers.is_right.mean() > 0.5  # it has learned something, so the tests below mean something


def test_answer_split_max_images_and_another_split(recognizer, settings, sample, linear_network):
    few = EvaluationSettings.load(data_dir=sample, weights=linear_network, max_images=7)
    found = answer_split(recognizer, few, "validation", quiet=True)
    assert (found.split.name, len(found)) == ("validation", 7)


def test_answer_split_missing_says_which_are_there(recognizer, linear_network, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "validation").mkdir()
    settings = EvaluationSettings.load(data_dir=tmp_path, weights=linear_network)
    with pytest.raises(FileNotFoundError, match="train, validation, but got test") as caught:
        answer_split(recognizer, settings, quiet=True)
    assert "data/README.md" in str(caught.value)


def test_answer_split_no_data_at_all(recognizer, linear_network, tmp_path):
    settings = EvaluationSettings.load(data_dir=tmp_path / "nowhere", weights=linear_network)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        answer_split(recognizer, settings, quiet=True)


@pytest.mark.parametrize("name", ["emotion.json", "emotion", "emotion.pt"])
def test_open_recognizer_other_files_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"`WEIGHTS` must be an \.onnx file with its card"):
        open_recognizer(tmp_path / name)


def test_open_recognizer_missing_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"other\.json must exist"):
        open_recognizer(tmp_path / "other.onnx")


def test_rank_mistakes_surest_first_and_only_mistakes():
    answers = make_answers(np.eye(7)[[0, 1, 2, 3]] * [[1], [5], [3], [9]], [6, 6, 6, 3])
    assert answers.rank_mistakes(10).tolist() == [1, 2, 0]
    assert answers.rank_mistakes(2).tolist() == [1, 2]
    assert make_answers(np.eye(7), range(7)).rank_mistakes(5).tolist() == []


def test_select_keeps_images_names_and_logits_together():
    answers = make_answers(np.eye(7), range(7))
    kept = answers.select(np.arange(7) > 4)
    assert kept.split.names == ("face-5", "face-6")
    assert kept.predictions.tolist() == kept.targets.tolist() == [5, 6]
    assert kept.temperature == 2.0
