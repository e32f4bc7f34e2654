"""Predictions are computed in batches and belong to the images of the split."""

import numpy as np
import pytest

from fer_lib.dataset.image_folders import Split
from fer_lib.evaluate.predictions import Predictions, open_recognizer, predict_logits, predict_split
from fer_lib.metrics import softmax
from fer_lib.settings import EvaluationSettings


def make_predictions(logits, targets) -> Predictions:
    n = len(targets)
    split = Split("test", np.zeros((n, 4, 4, 1), np.uint8), np.array(targets), tuple(f"face-{i}" for i in range(n)))
    return Predictions(split, np.array(logits, np.float32), 2.0)


def test_predict_logits_empty(recognizer):
    assert predict_logits(recognizer, np.zeros((0, 24, 24, 1), np.uint8)).shape == (0, 7)


def test_predict_logits_batches_equal_single_images(recognizer, predictions, monkeypatch):
    monkeypatch.setattr("fer_lib.evaluate.predictions.BATCH", 8)
    images = predictions.split.images[:19]
    single = np.concatenate([recognizer.logits(image[None]) for image in images])
    np.testing.assert_allclose(predict_logits(recognizer, images), single, atol=1e-5)


def test_predict_logits_flip_averages_with_the_mirror_image(recognizer, predictions):
    images = predictions.split.images[:5]
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    expected = (recognizer.logits(images) + recognizer.logits(mirrored)) / 2
    logits = predict_logits(recognizer, images, flip=True)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    np.testing.assert_allclose(logits, predict_logits(recognizer, mirrored, flip=True), atol=1e-5)
    assert np.abs(logits - recognizer.logits(images)).max() > 0.01


def test_predict_split_temperature_of_the_card(predictions):
    assert (len(predictions), predictions.split.name, predictions.temperature) == (35, "test", 0.73)
    np.testing.assert_allclose(predictions.probabilities, softmax(predictions.logits, 0.73))
    assert predictions.is_correct.mean() > 0.5  # the network is fitted; otherwise the tests below would prove nothing


def test_predict_split_max_images_and_another_split(recognizer, settings, sample, linear_network):
    few = EvaluationSettings.load(data_dir=sample, weights=linear_network, max_images=7)
    predictions = predict_split(recognizer, few, "validation", quiet=True)
    assert (predictions.split.name, len(predictions)) == ("validation", 7)


def test_predict_split_missing_split_lists_the_existing_ones(recognizer, linear_network, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "validation").mkdir()
    settings = EvaluationSettings.load(data_dir=tmp_path, weights=linear_network)
    with pytest.raises(FileNotFoundError, match="train, validation, but got test") as caught:
        predict_split(recognizer, settings, quiet=True)
    assert "data/README.md" in str(caught.value)


def test_predict_split_missing_folder(recognizer, linear_network, tmp_path):
    settings = EvaluationSettings.load(data_dir=tmp_path / "nowhere", weights=linear_network)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        predict_split(recognizer, settings, quiet=True)


@pytest.mark.parametrize("name", ["emotion.json", "emotion", "emotion.pt"])
def test_open_recognizer_wrong_suffix_raises(tmp_path, name):
    with pytest.raises(ValueError, match=r"`WEIGHTS` must be an \.onnx file with its card"):
        open_recognizer(tmp_path / name)


def test_open_recognizer_missing_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"other\.json must exist"):
        open_recognizer(tmp_path / "other.onnx")


def test_rank_mistakes_most_confident_first():
    predictions = make_predictions(np.eye(7)[[0, 1, 2, 3]] * [[1], [5], [3], [9]], [6, 6, 6, 3])
    assert predictions.rank_mistakes(10).tolist() == [1, 2, 0]
    assert predictions.rank_mistakes(2).tolist() == [1, 2]
    assert make_predictions(np.eye(7), range(7)).rank_mistakes(5).tolist() == []


def test_select_images_names_and_logits():
    predictions = make_predictions(np.eye(7), range(7))
    kept = predictions.select(np.arange(7) > 4)
    assert kept.split.names == ("face-5", "face-6")
    assert kept.top1.tolist() == kept.targets.tolist() == [5, 6]
    assert kept.temperature == 2.0
