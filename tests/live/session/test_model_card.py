import json
import re

from fer_lib.labels import EMOTIONS
from fer_lib.live.session.model_card import LEGAL_NOTICE, render_model_card
from fer_lib.weights import EMOTION, weights_folder


def write_card(folder, **changes) -> None:
    card = json.loads((weights_folder() / f"{EMOTION}.json").read_text())
    (folder / f"{EMOTION}.json").write_text(json.dumps(card | changes))


def make_metrics(accuracy: float) -> dict[str, object]:
    labels = {label: {"recall": number / 10} for number, label in enumerate(EMOTIONS)}
    return {"images": 1234, "accuracy": accuracy, "accuracy_ci95": [0.5, 0.7], "per_label": labels}


def test_render_model_card_figures(tmp_path):
    write_card(tmp_path, metrics={"validation": make_metrics(0.61)})
    text = re.sub(r"<[^>]+>", "", render_model_card(tmp_path))
    assert "1,234 images that were used to choose the model" in text
    assert "accuracy is 61%" in text
    assert "50% to 70%" in text
    for number, label in enumerate(EMOTIONS):
        assert f"{label} {number * 10}%" in text
    assert LEGAL_NOTICE in text


def test_render_model_card_prefers_the_test_split(tmp_path):
    write_card(tmp_path, metrics={"validation": make_metrics(0.61), "test": make_metrics(0.58)})
    assert "accuracy is 58%" in render_model_card(tmp_path)
    assert "not used for training" in render_model_card(tmp_path)


def test_render_model_card_default_folder():
    assert "How often is it right?" in render_model_card()


def test_render_model_card_incomplete(tmp_path):
    assert render_model_card(tmp_path) == ""
    write_card(tmp_path, metrics={})
    assert render_model_card(tmp_path) == ""
    (tmp_path / f"{EMOTION}.json").write_text("{")
    assert render_model_card(tmp_path) == ""


def test_render_model_card_escapes_markup(tmp_path):
    write_card(tmp_path, metrics={"test": make_metrics(0.5)}, what="<script>alert(1)</script>")
    assert "<script" not in render_model_card(tmp_path)
