"""Loading and verification of weights and model cards."""

import json
import shutil
from pathlib import Path

import pytest

from fer_lib import weights
from fer_lib.crops import CropSpec
from fer_lib.labels import EMOTIONS
from fer_lib.weights import (
    MAX_CARD_BYTES,
    MAX_WEIGHTS_BYTES,
    REMEDY,
    load_emotion_weights,
    load_weights,
    read_card,
    weights_folder,
    write_card,
)

CARD = {"labels": list(EMOTIONS), "input": {"size": 64, "color": "grey"}, "temperature": 1.5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with a fake network and a valid model card."""
    (tmp_path / "emotion.onnx").write_bytes(b"network")
    write_card(tmp_path / "emotion.json", CARD)
    return tmp_path


def change_card(folder: Path, **changes: object) -> None:
    card = {**json.loads((folder / "emotion.json").read_text()), **changes}
    (folder / "emotion.json").write_text(json.dumps(card))


def test_load_weights_valid(folder):
    loaded = load_weights("emotion", folder)
    assert (loaded.name, loaded.path) == ("emotion", folder / "emotion.onnx")
    assert loaded.card.items() >= CARD.items()
    assert loaded.crop_spec == CropSpec(size=64, color="grey")
    assert loaded.temperature == 1.5


def test_load_weights_folder_as_text(folder):
    assert load_weights("emotion", str(folder)).path == folder / "emotion.onnx"


def test_load_weights_missing_card(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the model card .*other\.json must exist") as caught:
        load_weights("other", tmp_path)
    assert REMEDY in str(caught.value)


def test_load_weights_missing_file(folder):
    (folder / "emotion.onnx").unlink()
    with pytest.raises(FileNotFoundError, match=r"`emotion` must be at .*emotion\.onnx") as caught:
        load_weights("emotion", folder)
    assert REMEDY in str(caught.value)


def test_load_weights_damaged_file(folder):
    expected = load_weights("emotion", folder).card["sha256"]
    (folder / "emotion.onnx").write_bytes(b"netwurk")
    with pytest.raises(ValueError, match="damaged") as caught:
        load_weights("emotion", folder)
    message = str(caught.value)
    assert expected in message
    assert weights.file_sha256(folder / "emotion.onnx") in message
    assert str(folder / "emotion.onnx") in message
    assert REMEDY in message


def test_load_weights_truncated_file(folder):
    (folder / "emotion.onnx").write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        load_weights("emotion", folder)


@pytest.mark.parametrize("sha256", [None, 5, True])
def test_load_weights_card_without_hash(folder, sha256):
    change_card(folder, sha256=sha256)
    with pytest.raises(ValueError, match="`sha256` in the model card of `emotion` must be") as caught:
        load_weights("emotion", folder)
    assert REMEDY in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "not json", "\xff\xfe"])
def test_read_card_malformed(folder, text):
    (folder / "emotion.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="must be JSON") as caught:
        read_card(folder / "emotion.json")
    assert REMEDY in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"labels": 1, "labels": 2}', "'labels' is duplicated"),
        ('{"input": {"size": 64, "size": 9999}}', "'size' is duplicated"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"temperature": ' + "9" * 10_000 + "}", "can't be read"),
        ('{"a": "' + "b" * MAX_CARD_BYTES + '"}', "at most 1,000,000 bytes"),
    ],
)
def test_read_card_hostile(folder, text, message):
    (folder / "emotion.json").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_card(folder / "emotion.json")
    assert REMEDY in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_load_weights_too_large_file(folder):
    with (folder / "emotion.onnx").open("r+b") as stream:
        stream.truncate(MAX_WEIGHTS_BYTES + 1)  # a sparse file, which needs no space on the disk
    with pytest.raises(ValueError, match="must have at most 2,147,483,647 bytes"):
        load_weights("emotion", folder)


@pytest.mark.parametrize("text", ["[]", "3", '"text"', "null"])
def test_read_card_not_an_object(folder, text):
    (folder / "emotion.json").write_text(text)
    with pytest.raises(ValueError, match="must be a JSON object"):
        read_card(folder / "emotion.json")


def test_load_emotion_weights_valid(folder):
    assert load_emotion_weights(folder).crop_spec.size == 64


def test_load_emotion_weights_swapped_labels(folder):
    swapped = ["disgust", "angry", *EMOTIONS[2:]]
    change_card(folder, labels=swapped)
    with pytest.raises(ValueError, match="in this order") as caught:
        load_emotion_weights(folder)
    assert str(swapped) in str(caught.value)


@pytest.mark.parametrize("labels", [None, 7, [], "angry", list(EMOTIONS[:6]), [*EMOTIONS, "contempt"]])
def test_load_emotion_weights_wrong_labels(folder, labels):
    change_card(folder, labels=labels)
    with pytest.raises(ValueError, match="labels of `emotion` must be angry, disgust"):
        load_emotion_weights(folder)


@pytest.mark.parametrize(
    "temperature",
    [0, -1, None, "warm", [1], True, float("inf"), float("nan"), 5e-324, 1e-3, 1e308, 10**4000, "9" * 10_000, {}],
)
def test_load_emotion_weights_invalid_temperature(folder, temperature):
    change_card(folder, temperature=temperature)
    with pytest.raises(ValueError, match="model card of `emotion` is invalid: `temperature` must be") as caught:
        load_emotion_weights(folder)
    assert len(str(caught.value)) < 400


def test_load_emotion_weights_default_temperature(folder):
    card = {name: value for name, value in CARD.items() if name != "temperature"}
    write_card(folder / "emotion.json", card)
    assert load_emotion_weights(folder).temperature == 1.0


@pytest.mark.parametrize("fields", [None, 64, []])
def test_load_emotion_weights_missing_input(folder, fields):
    change_card(folder, input=fields)
    with pytest.raises(ValueError, match="`input` in the model card of `emotion` must be an object"):
        load_emotion_weights(folder)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"size": 0},
        {"size": "64"},
        {"size": 64, "color": "infrared"},
        {"size": 64, "color": ["grey"]},
        {"size": 64, "sharpness": 1},
        {"size": 100_000},
        {"size": 10**4000},
        {"size": 64.5},
        {"size": True},
        {"size": 64, "detail": -1},
        {"size": 64, "detail": 10**9},
        *({"size": 64, name: value} for name in ("scale", "std") for value in (0, -1, 1e-300)),
        *(
            {"size": 64, name: value}
            for name in ("scale", "shift_y", "mean", "std")
            for value in (float("inf"), float("nan"), 1e300, 10**400, "1", None, [1], True)
        ),
    ],
)
def test_load_emotion_weights_invalid_input(folder, fields):
    change_card(folder, input=fields)
    with pytest.raises(ValueError, match="`input` in the model card of `emotion` must be a crop") as caught:
        load_emotion_weights(folder)
    assert REMEDY in str(caught.value)
    assert len(str(caught.value)) < 800


def test_load_weights_detector_without_labels(folder):
    write_card(folder / "emotion.json", {"source": "elsewhere"})
    assert load_weights("emotion", folder).temperature == 1.0


def test_write_card_failure_keeps_the_old_card(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["emotion.json", "emotion.onnx"]
    with pytest.raises(TypeError):
        write_card(folder / "emotion.json", {"input": object()})
    assert read_card(folder / "emotion.json").items() >= CARD.items()


def test_weights_folder_of_a_checkout(project_root):
    assert weights_folder() == project_root / "weights"


def test_weights_folder_of_an_installed_package(tmp_path, monkeypatch, project_root):
    package = tmp_path / "site-packages" / "fer_lib"
    (package / "weights_data").mkdir(parents=True)
    (tmp_path / "site-packages" / "weights").mkdir()  # of another package
    shutil.copy(project_root / "fer_lib" / "weights.py", package)
    monkeypatch.setattr(weights, "__file__", str(package / "weights.py"))
    assert weights_folder() == package / "weights_data"


@pytest.mark.parametrize("name", ["../emotion", "/etc/emotion", "sub/emotion", ""])
def test_load_weights_name_with_a_folder(folder, name):
    with pytest.raises(ValueError, match="`name` must be a file name"):
        load_weights(name, folder / "sub")
