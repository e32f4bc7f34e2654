from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from factories import make_faces, make_frame
from onnx import numpy_helper
from tiny_networks import SPEC, write_emotion_network

from fer_lib.crops import CropSpec, crop_faces, normalize_crops
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.settings import VisionSettings
from fer_lib.vision import recognition
from fer_lib.vision.recognition import Recognizer
from fer_lib.weights import write_card


def load_recognizer(folder: Path) -> Recognizer:
    return Recognizer(VisionSettings(weights_dir=folder))


class CountingSession:
    """Session that records the batch size of each run."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.batches: list[int] = []

    def get_inputs(self) -> Any:
        return self._session.get_inputs()

    def run(self, names: Any, inputs: dict[str, np.ndarray]) -> Any:
        self.batches += [len(value) for value in inputs.values()]
        return self._session.run(names, inputs)


def test_recognize_empty(tmp_path: Path) -> None:
    write_emotion_network(tmp_path)
    faces = load_recognizer(tmp_path).recognize(make_frame(), Faces.empty())
    assert len(faces) == 0
    assert faces.probabilities is not None
    assert faces.probabilities.shape == (0, 7)


@pytest.mark.parametrize("spec", [SPEC, CropSpec(32), CropSpec(17, "grey", detail=9, mean=0, std=1)])
def test_recognize_matches_formula(tmp_path: Path, spec: CropSpec) -> None:
    matrix = write_emotion_network(tmp_path, spec)
    frame, faces = make_frame(480, 640), make_faces(4, probabilities=None)
    recognized = load_recognizer(tmp_path).recognize(frame, faces)
    logits = normalize_crops(crop_faces(frame, faces.xyxy, spec), spec).mean(axis=(2, 3)) @ matrix
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(recognized.probabilities, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3
    for name in ("xyxy", "confidence", "landmarks", "track_id"):
        np.testing.assert_array_equal(getattr(recognized, name), getattr(faces, name))


def test_recognize_all_faces_in_one_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_emotion_network(tmp_path)
    sessions: list[CountingSession] = []

    def open_counting(weights: Any, threads: int) -> CountingSession:
        sessions.append(CountingSession(open_network(weights, threads)))
        return sessions[-1]

    open_network = recognition.open_network
    monkeypatch.setattr(recognition, "open_network", open_counting)
    recognizer = load_recognizer(tmp_path)
    sessions[0].batches.clear()
    for n in (0, 1, 6):
        recognizer.recognize(make_frame(480, 640), make_faces(n))
    assert sessions[0].batches == [1, 6]


def test_recognize_temperature_reduces_confidence(tmp_path: Path) -> None:
    frame, faces = make_frame(480, 640), make_faces(3)
    results = []
    for temperature in (1.0, 2.0):
        write_emotion_network(tmp_path, gain=5, temperature=temperature)
        results.append(load_recognizer(tmp_path).recognize(frame, faces).probabilities)
    first, second = results
    assert (first.max(axis=1) > second.max(axis=1)).all()
    expected = np.sqrt(first) / np.sqrt(first).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(second, expected, atol=1e-5)


def test_recognizer_without_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"emotion\.json"):
        load_recognizer(tmp_path)


@pytest.mark.parametrize(
    "takes", [("n", 3, 24, 24), ("n", 1, 24, 25), (1, 1, 24, 24), ("n", 1, 24, 24, 1), ("n", 1, "h", 48)]
)
def test_recognizer_wrong_input_shape(tmp_path: Path, takes: tuple[Any, ...]) -> None:
    write_emotion_network(tmp_path, CropSpec(24), input_shape=takes)
    with pytest.raises(
        ValueError,
        match=r"`emotion` must have one input of any number of faces \(1, 24, 24\), as in its model card, but",
    ):
        load_recognizer(tmp_path)


def test_recognizer_dynamic_input_size(tmp_path: Path) -> None:
    write_emotion_network(tmp_path, input_shape=("n", 3, "h", "w"))
    assert len(load_recognizer(tmp_path).recognize(make_frame(), make_faces(2, 64, 48))) == 2


@pytest.mark.parametrize("outputs", [1, 8])
def test_recognizer_wrong_output_shape(tmp_path: Path, outputs: int) -> None:
    write_emotion_network(tmp_path, outputs=outputs)
    with pytest.raises(ValueError, match=r"must return logits of the shape \(2, 7\), but got \(2, "):
        load_recognizer(tmp_path)


def test_recognizer_network_fails_to_run(tmp_path: Path) -> None:
    """The declared input shape is valid, so that only a run detects the error."""
    write_emotion_network(tmp_path, CropSpec(24), input_shape=("n", "c", 24, 24))
    network = onnx.load(tmp_path / "emotion.onnx")
    network.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.zeros((3, 7), np.float32), "matrix"))
    onnx.save(network, tmp_path / "emotion.onnx")
    write_card(tmp_path / "emotion.json", {"labels": EMOTIONS, "input": CropSpec(24).as_dict()})
    with pytest.raises(ValueError, match=r"`emotion` must run on input \(2, 1, 24, 24\), but"):
        load_recognizer(tmp_path)
