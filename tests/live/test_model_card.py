import json
import re

from fer_lib.labels import EMOTIONS
from fer_lib.live.model_card import LAW, render_model_card
from fer_lib.weights import EMOTION, weights_folder


def write_card(folder, **changes) -> None:
    card = json.loads((weights_folder() / f"{EMOTION}.json").read_text())
    (folder / f"{EMOTION}.json").write_text(json.dumps(card | changes))


def measured(accuracy: float) -> dict[str, object]:
    labels = {label: {"recall": number / 10} for number, label in enumerate(EMOTIONS)}
    return {"images": 1234, "accuracy": accuracy, "accuracy_ci95": [0.5, 0.7], "per_label": labels}


def test_describe_network_says_what_the_card_says(tmp_path):
    write_card(tmp_path, metrics={"validation": measured(0.61)})
    said = re.sub(r"<[^>]+>", "", render_model_card(tmp_path))
    assert "1,234 pictures that it was chosen on" in said
    assert "61% the label" in said
    assert "50% to 70%" in said
    for number, label in enumerate(EMOTIONS):
        assert f"{label} {number * 10}%" in said
    assert LAW in said


def test_describe_network_prefers_pictures_never_seen(tmp_path):
    write_card(tmp_path, metrics={"validation": measured(0.61), "test": measured(0.58)})
    assert "58% the label" in render_model_card(tmp_path)
    assert "never seen" in render_model_card(tmp_path)


def test_describe_network_of_the_project_itself():
    assert "How often is it right?" in render_model_card()


def test_describe_network_without_figures_or_card_is_empty(tmp_path):
    assert render_model_card(tmp_path) == ""
    write_card(tmp_path, metrics={})
    assert render_model_card(tmp_path) == ""
    (tmp_path / f"{EMOTION}.json").write_text("{")
    assert render_model_card(tmp_path) == ""


def test_describe_network_shows_no_markup_of_a_card(tmp_path):
    write_card(tmp_path, metrics={"test": measured(0.5)}, what="<script>alert(1)</script>")
    assert "<script" not in render_model_card(tmp_path)
