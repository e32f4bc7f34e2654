"""End-to-end evaluation: photos without a face are wrong, the largest of several faces is evaluated."""

import json

import cv2
import numpy as np
import pytest
from factories import make_faces, make_portrait

from fer_lib.evaluate.__main__ import main
from fer_lib.evaluate.photos import (
    NO_FACE,
    compute_photo_metrics,
    evaluate_photos,
    format_photos,
    list_photos,
    predict_largest,
)
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS


def write_photo(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


@pytest.fixture
def photos(tmp_path):
    """Return a folder with two smiling portraits, a photo without a face, and a file that is not a photo."""
    write_photo(tmp_path / "happy" / "a.png", make_portrait(300))
    write_photo(tmp_path / "happy" / "b.JPG", make_portrait(260, mirrored=True))
    write_photo(tmp_path / "sad" / "wall.png", np.full((200, 200, 3), 128, np.uint8))
    (tmp_path / "sad" / "broken.jpg").write_bytes(b"not a photo")
    (tmp_path / "sad" / "notes.txt").write_text("not listed")
    return tmp_path


def test_evaluate_photos_detector_and_network(photos):
    report = evaluate_photos(photos)
    assert (report["photos"], report["broken"], report["several_faces"]) == (3, 1, 0)
    assert report["found"] == pytest.approx(2 / 3)
    assert report["detected"]["accuracy"] == pytest.approx(2 / 3)
    assert report["detected"]["accuracy_of_found"] == 1
    assert report["detected"]["balanced_accuracy"] == 0.5
    assert report["detected"]["per_label"]["sad"] == {"photos": 1, "found": 0.0, "recall": 0.0}
    assert report["given_crops"]["accuracy_of_found"] == report["given_crops"]["accuracy"]
    assert "as crops" in format_photos(report)


def test_predict_largest_of_several_faces():
    faces = make_faces(3, xyxy=np.array([[0, 0, 50, 50], [60, 0, 200, 140], [0, 60, 40, 100]], float))
    assert predict_largest(faces) == faces.probabilities[1].argmax()
    assert predict_largest(Faces.empty()) == NO_FACE


def test_compute_photo_metrics_known_predictions():
    targets, predictions = np.array([0, 0, 3, 3]), np.array([0, NO_FACE, 3, 5])
    metrics = compute_photo_metrics(targets, predictions)
    assert metrics["accuracy"] == metrics["balanced_accuracy"] == 0.5
    assert metrics["accuracy_of_found"] == pytest.approx(2 / 3)
    assert metrics["per_label"]["angry"] == {"photos": 2, "found": 0.5, "recall": 0.5}
    assert compute_photo_metrics(targets, np.full(4, NO_FACE))["accuracy_of_found"] is None


def test_list_photos_wrong_folder_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="`--photos` must be a folder"):
        list_photos(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="has none"):
        list_photos(tmp_path)
    (tmp_path / "smiling").mkdir()
    with pytest.raises(ValueError, match=f"{EMOTIONS[-1]}, but got smiling"):
        list_photos(tmp_path)


def test_main_photos_prints_json(photos, capsys):
    assert main(["--photos", str(photos), "--json", "--max-images", "4"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["photos"] == 3
    assert main(["--photos", str(photos), "--split", "test"]) == 2
    assert "without --split" in capsys.readouterr().err
